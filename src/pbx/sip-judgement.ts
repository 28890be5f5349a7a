import type { Finding } from '../access/access-system.ts'
import type { SipCredentialSubject } from '../domain/access.ts'
import { counted } from '../domain/counted.ts'
import { Secret } from '../domain/secret.ts'
import type { PbxAccountInForce, PbxDriver, PbxState } from './pbx-driver.ts'
import { addressMatcher } from './source-address.ts'

/** What a listing of the PBX says about one credential. Pure; says no more than the listing shows. */

export interface TickedStep {
  readonly generation: number
  readonly words: string
}

/**
 * A PBX that cannot be read: a step for a person where the driver has one, else unverifiable.
 * @param ticked the closing that somebody gave their word for: its words stay, so that the tick does, whoever holds the
 *   extension by now and whatever this PBX is called
 */
export function judgeUnread(
  subject: SipCredentialSubject,
  state: PbxState,
  driver: PbxDriver,
  ticked?: TickedStep,
): Finding {
  const evidence = { summary: `${state.product} shows nothing to Ringfence`, facts: factsOf(subject) }
  if (!driver.describeStep) {
    return { state: 'unverifiable', evidence, problem: 'this PBX cannot show which credentials are in force' }
  }
  const isOpen = subject.wanted === 'open'
  // A step is about what to do, so no secret is needed; the driver promises to print none.
  const credential = {
    id: subject.id,
    generation: subject.generation,
    username: subject.username,
    secret: new Secret(''),
  }
  const step =
    !isOpen && subject.extensionShared
      ? `On the PBX, extension ${subject.extension} serves another phone by now: see that it has the newest SIP password (\`ringfence secret ${subject.extension}\`) and not the one of before, and remove what is registered with that one.`
      : driver.describeStep({
          extension: subject.extension,
          displayName: subject.displayName ?? '',
          credentials: isOpen ? [credential] : [],
          maxContacts: 1,
          policy: null,
          adopted: false,
        })
  const isTicked = !isOpen && ticked?.generation === subject.generation
  return {
    state: 'waiting',
    evidence,
    problem: isTicked ? ticked.words : step,
    hint: `do the step, then \`ringfence acknowledge ${subject.extension} sip-account\``,
  }
}

/**
 * Open: exactly this generation of the credential is in force, with the secret that was issued.
 * `expected`: its digest in lower-case hex, null when it is not known. `showsDigest`: this PBX always shows one.
 */
export function judgeOpen(
  subject: SipCredentialSubject,
  state: PbxState,
  { expected, showsDigest }: { expected: string | null; showsDigest: boolean },
): Finding {
  const account = state.accounts.find(({ extension }) => extension === subject.extension)
  const found = generationsOf(subject.id, state)
  const mine = account?.credentials.find(({ id, generation }) => id === subject.id && generation === subject.generation)
  const facts = { ...factsOf(subject), product: state.product, generationsInForce: found.join(' ') || null }
  const differs = (summary: string, problem: string, hint: string): Finding => ({
    state: 'differs',
    evidence: { summary, facts },
    problem,
    hint,
  })
  if (!mine) {
    const summary =
      found.length === 0
        ? `credential generation ${subject.generation} is not in force on ${state.product}`
        : `instead of credential generation ${subject.generation}, ${found.join(', ')} is in force on ${state.product}`
    const hint =
      found.length === 0
        ? `see whether another object on the PBX is called ${subject.extension}, and what its log says about the reload`
        : 'the PBX kept the old objects, which it does without a word when one of the new ones is bad: its log of the reload names it'
    return differs(summary, 'the newest credential is not in force', hint)
  }
  if (mine.doubt !== undefined) {
    const words = mine.doubt === 'switched-off' ? 'is switched off' : 'is not shown'
    return differs(
      `credential generation ${subject.generation} is on ${state.product}, but the login ${words}`,
      `the login of extension ${subject.extension} ${words} on the PBX`,
      mine.doubt === 'switched-off'
        ? 'somebody switched it off on the PBX; Ringfence switches it on again'
        : 'see whether the API client may still see the SIP login of this extension',
    )
  }
  if (expected !== null && mine.digest !== expected && (mine.digest !== null || showsDigest)) {
    return differs(
      `credential generation ${subject.generation} is in force on ${state.product} with another secret than the issued one`,
      'the PBX holds another secret than the one that was issued',
      'somebody changed it on the PBX; Ringfence writes it again',
    )
  }
  if (found.length > 1) {
    return differs(
      `credential generations ${found.join(', ')} are in force on ${state.product}`,
      'an older secret is still in force beside the newest',
      'see what the log of the PBX says about the reload',
    )
  }
  const compared = expected !== null && mine.digest !== null
  const isOwn = subject.extensionShared || hasOthers(account, subject.id) ? ownTrace(subject) : () => true
  const registrations = account?.registrations.filter(({ address }) => isOwn(address)).length ?? 0
  return {
    state: 'as-desired',
    evidence: {
      summary: `credential generation ${subject.generation} in force on ${state.product}${compared ? ', with the issued secret' : ''}`,
      facts: { ...facts, secretCompared: compared, registrations },
    },
  }
}

/** Closed: no generation of it is in force, and nothing of its own is registered or talking. */
export function judgeClosed(subject: SipCredentialSubject, state: PbxState): Finding {
  const account = state.accounts.find(({ extension }) => extension === subject.extension)
  const found = generationsOf(subject.id, state)
  const isShared = subject.extensionShared || hasOthers(account, subject.id)
  const strange = isShared ? null : strangeSecret(subject.extension, state)
  // A trace of unknown origin counts: evidence must not be better than what was seen. On an extension that somebody else
  // made anew, only what surely is the closed phone's: the rest may be its next holder's.
  const isOwn = isShared ? ownTrace(subject) : strange === null ? () => true : surelyOwnTrace(subject)
  const registrations = (account?.registrations ?? []).filter(({ address }) => isOwn(address))
  const calls = (account?.calls ?? []).filter(({ address }) => isOwn(address))
  const facts = {
    ...factsOf(subject),
    product: state.product,
    generationsInForce: found.join(' ') || null,
    registrations: registrations.length,
    calls: calls.length,
    extensionShared: isShared,
    addresses: isShared ? subject.addresses.join(' ') || null : null,
  }
  const left = [
    ...(found.length > 0 ? [`credential generation ${found.join(', ')} in force`] : []),
    ...(registrations.length > 0 ? [counted(registrations.length, 'registration')] : []),
    ...(calls.length > 0 ? [counted(calls.length, 'call')] : []),
  ]
  if (left.length > 0) {
    return {
      state: 'differs',
      evidence: { summary: `still there on ${state.product}: ${left.join(', ')}`, facts },
      problem: `extension ${subject.extension} still has what belongs to the closed phone: ${left.join(', ')}`,
      hint: 'Ringfence tries again; if it stays, see what the log of the PBX says about the reload',
    }
  }
  if (strange !== null) {
    return {
      state: 'waiting',
      evidence: { summary: `${strange} on ${state.product}; whether the old secret opens it cannot be told`, facts },
      problem: `${strange}, and not by Ringfence. Whether the password of whoever left opens it cannot be told: on the PBX, remove it, or give it a new password if it is somebody else's by now.`,
      hint: `do the step, then \`ringfence acknowledge ${subject.extension} sip-account\``,
    }
  }
  return { state: 'as-desired', evidence: { summary: closedWords(subject, state, isShared), facts } }
}

/**
 * An extension that is there, but not as Ringfence left it: it came back from a backup that holds no mark of ours, or
 * somebody made it anew for somebody else. Only a person can say which. In words; null when there is none.
 */
function strangeSecret(extension: string, { accounts, foreign, othersWaysIn = [] }: PbxState): string | null {
  if (foreign.includes(extension) || othersWaysIn.some((way) => way.extension === extension))
    return `extension ${extension} is there`
  const account = accounts.find((one) => one.extension === extension)
  const isUnknown = account?.credentials.some(({ generation }) => generation === 0) ?? false
  return isUnknown ? `extension ${extension} has a password that was set there` : null
}

/** Extensions that somebody else made, or gave a password of their own: what is set or runs there may be a next owner's. */
export function othersExtensions({ accounts, foreign }: PbxState): ReadonlySet<string> {
  const renamed = accounts.filter(({ credentials }) => credentials.some(({ generation }) => generation === 0))
  return new Set([...foreign, ...renamed.map(({ extension }) => extension)])
}

/** Says no more than was seen: on a shared extension only its own addresses were looked for. */
function closedWords(subject: SipCredentialSubject, state: PbxState, isShared: boolean): string {
  const start = `REGISTER with the old secret has nothing to match on ${state.product}: no such credential`
  if (!isShared) return `${start}, no registration, no call`
  if (subject.addresses.length === 0)
    return `${start}; it had no address of its own that a registration could come from`
  return `${start}, no registration and no call from ${subject.addresses.join(', ')} (extension ${subject.extension} ${subject.extensionShared ? 'serves another phone' : 'has another login there'})`
}

function generationsOf(id: string, state: PbxState): number[] {
  const generations = state.accounts.flatMap(({ credentials }) =>
    credentials.flatMap((credential) => (credential.id === id ? [credential.generation] : [])),
  )
  return generations.sort((one, other) => one - other)
}

function hasOthers(account: PbxAccountInForce | undefined, id: string): boolean {
  // Generation 0 is nobody's of ours.
  return account?.credentials.some((credential) => credential.id !== id && credential.generation > 0) ?? false
}

function ownTrace(subject: SipCredentialSubject): (address: string | null) => boolean {
  const matches = addressMatcher(subject.addresses)
  return (address) => address === null || matches(address)
}

function surelyOwnTrace(subject: SipCredentialSubject): (address: string | null) => boolean {
  const matches = addressMatcher(subject.addresses)
  return (address) => address !== null && matches(address)
}

function factsOf(subject: SipCredentialSubject) {
  return { extension: subject.extension, username: subject.username, generation: subject.generation }
}
