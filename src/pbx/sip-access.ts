import type { AccessSystem, Finding } from '../access/access-system.ts'
import type { SipCredentialSubject } from '../domain/access.ts'
import { Secret } from '../domain/secret.ts'
import { AppError } from '../errors.ts'
import type { DisconnectTarget, PbxAccount, PbxAccountInForce, PbxDriver, PbxState } from './pbx-driver.ts'
import { addressMatcher } from './source-address.ts'

export interface SipAccessOptions {
  readonly pbxId: string
  readonly driver: PbxDriver
  /**
   * The complete desired state of these extensions: every live credential, unsealed. An extension without any is given
   * with an empty list or left out. Never a partial answer: what it does not name is taken away.
   */
  readonly accountsOf: (extensions: readonly string[]) => Promise<readonly PbxAccount[]>
  /** H(user:realm:secret) that was issued, lower-case hex; null when it is not known (any more). */
  readonly digestOf: (subject: SipCredentialSubject) => string | null
}

/**
 * SIP credentials on one PBX. Open: exactly the newest generation of the credential is in force. Closed: no generation of
 * it is in force, and no registration and no call of its own is left.
 *
 * What is its own: on an extension with no other live credential, everything; else only what comes from its own tunnel's
 * addresses. Whether there is another one is looked at each time: a tombstone was written before the extension's next
 * owner came, and must not shut him.
 */
export function sipAccess(options: SipAccessOptions): AccessSystem<SipCredentialSubject, PbxState> {
  const { driver } = options
  return {
    kind: 'sip-account',
    instance: options.pbxId,
    read: (signal) => readPbx(driver, signal),
    judge(subject, state) {
      if (!driver.abilities.readBack) return judgeUnread(subject, state, driver)
      return subject.wanted === 'open' ? judgeOpen(subject, state, options) : judgeClosed(subject, state)
    },
    apply: (subjects, signal) => apply(subjects, options, signal),
    strangers: listStrangers,
  }
}

async function readPbx(driver: PbxDriver, signal: AbortSignal): Promise<PbxState> {
  if (driver.abilities.readBack) return driver.readAccounts(signal)
  // Nothing to read; but a PBX that is away must show as away, not as "applied".
  const { product } = await driver.describe(signal)
  return { product, accounts: [], foreign: [] }
}

function judgeUnread(subject: SipCredentialSubject, state: PbxState, driver: PbxDriver): Finding {
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
  const problem =
    !isOpen && subject.extensionShared
      ? `On the PBX, extension ${subject.extension} stays with another phone: give it the newest SIP password as the console shows it, and remove the registration and the calls of ${subject.username}.`
      : driver.describeStep({
          extension: subject.extension,
          displayName: subject.displayName ?? '',
          credentials: isOpen ? [credential] : [],
          maxContacts: 1,
        })
  return { state: 'waiting', evidence, problem, hint: 'do the step, then acknowledge it' }
}

function judgeOpen(subject: SipCredentialSubject, state: PbxState, options: SipAccessOptions): Finding {
  const account = state.accounts.find(({ extension }) => extension === subject.extension)
  const found = generationsOf(subject.id, state)
  const mine = account?.credentials.find(({ id, generation }) => id === subject.id && generation === subject.generation)
  const expected = options.digestOf(subject)
  const showsDigest = options.driver.abilities.storesSecretAs === 'digest'
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
  return {
    state: 'as-desired',
    evidence: {
      summary: `credential generation ${subject.generation} in force on ${state.product}${compared ? ', with the issued secret' : ''}`,
      facts: { ...facts, secretCompared: compared },
    },
  }
}

function judgeClosed(subject: SipCredentialSubject, state: PbxState): Finding {
  const account = state.accounts.find(({ extension }) => extension === subject.extension)
  const found = generationsOf(subject.id, state)
  const isShared = subject.extensionShared || hasOthers(account, subject.id)
  // A trace of unknown origin counts: evidence must not be better than what was seen.
  const isOwn = isShared ? ownTrace(subject) : () => true
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
    ...(registrations.length > 0 ? [plural(registrations.length, 'registration')] : []),
    ...(calls.length > 0 ? [plural(calls.length, 'call')] : []),
  ]
  if (left.length > 0) {
    return {
      state: 'differs',
      evidence: { summary: `still there on ${state.product}: ${left.join(', ')}`, facts },
      problem: `extension ${subject.extension} still has what belongs to the closed phone: ${left.join(', ')}`,
      hint: 'Ringfence tries again; if it stays, see what the log of the PBX says about the reload',
    }
  }
  return { state: 'as-desired', evidence: { summary: closedWords(subject, state, isShared), facts } }
}

/** Says no more than was seen: on a shared extension only its own addresses were looked for. */
function closedWords(subject: SipCredentialSubject, state: PbxState, isShared: boolean): string {
  const start = `REGISTER with the old secret has nothing to match on ${state.product}: no such credential`
  if (!isShared) return `${start}, no registration, no call`
  if (subject.addresses.length === 0)
    return `${start}; it had no address of its own that a registration could come from`
  return `${start}, no registration and no call from ${subject.addresses.join(', ')} (extension ${subject.extension} serves another phone)`
}

async function apply(subjects: readonly SipCredentialSubject[], options: SipAccessOptions, signal: AbortSignal) {
  const extensions = [...new Set(subjects.map(({ extension }) => extension))]
  const closing = subjects.filter(({ wanted }) => wanted === 'closed')
  const closedIds = new Set(closing.map(({ id }) => id))
  const desired = new Map((await options.accountsOf(extensions)).map((account) => [account.extension, account]))
  for (const { extension, id, wanted } of subjects) {
    // An empty answer for a phone that should be open is a doubtful one, and a doubtful answer removes nothing.
    if (wanted === 'open' && !desired.get(extension)?.credentials.some((credential) => credential.id === id)) {
      throw new AppError(
        'CONFLICT',
        `extension ${extension} should be open, but its credential is not among the live ones`,
        {
          hint: 'it was changed at this moment; Ringfence looks again',
        },
      )
    }
  }
  const accounts = extensions.map((extension): PbxAccount => {
    const account = desired.get(extension) ?? { extension, displayName: '', credentials: [], maxContacts: 1 }
    return { ...account, credentials: account.credentials.filter(({ id }) => !closedIds.has(id)) }
  })
  // The secret goes first: a phone that is cut while it still has one comes back at once.
  await options.driver.applyAccounts(accounts, signal)
  if (!options.driver.disconnect || closing.length === 0) return
  const inUse = new Set(accounts.filter(({ credentials }) => credentials.length > 0).map(({ extension }) => extension))
  const targets = closing.flatMap((subject): DisconnectTarget[] => {
    const isShared = subject.extensionShared || inUse.has(subject.extension)
    if (!isShared) return [{ extension: subject.extension, addresses: null }]
    return subject.addresses.length > 0 ? [{ extension: subject.extension, addresses: subject.addresses }] : []
  })
  if (targets.length > 0) await options.driver.disconnect(targets, signal)
}

/**
 * On our extensions only: other extensions of the PBX are the admin's own business. `subjects` are all that Ringfence
 * knows of this PBX, tombstones included.
 */
function listStrangers(subjects: readonly SipCredentialSubject[], state: PbxState): readonly string[] {
  const ids = new Set(subjects.map(({ id }) => id))
  const byExtension = Map.groupBy(subjects, ({ extension }) => extension)
  const open = (extension: string) => (byExtension.get(extension) ?? []).filter(({ wanted }) => wanted === 'open')
  const fromAccounts = state.accounts.flatMap(({ extension, credentials, registrations }) => {
    const isKnown = addressMatcher((byExtension.get(extension) ?? []).flatMap(({ addresses }) => addresses))
    const unknownCredentials = credentials.filter(({ id }) => !ids.has(id))
    // Of a closed extension every registration is the closed phone's, and its verdict tells of it.
    const unknownRegistrations =
      open(extension).length === 0 ? [] : registrations.filter(({ address }) => address === null || !isKnown(address))
    return [
      ...unknownCredentials.map(
        ({ id, generation }) =>
          `extension ${extension} on the PBX takes a credential that Ringfence does not know (${id}, generation ${generation})`,
      ),
      ...unknownRegistrations.map(
        ({ address, userAgent }) =>
          `a phone registered as extension ${extension} from ${address ?? 'an unknown address'}, which is none of its tunnels (${userAgent ?? 'no user agent'})`,
      ),
    ]
  })
  const fromOthers = state.foreign.flatMap((name) =>
    open(name.split(' ')[0] ?? '').length > 0
      ? [`on the PBX, somebody else's configuration touches our extension: ${name}`]
      : [],
  )
  return [...fromAccounts, ...fromOthers]
}

function generationsOf(id: string, state: PbxState): number[] {
  const generations = state.accounts.flatMap(({ credentials }) =>
    credentials.flatMap((credential) => (credential.id === id ? [credential.generation] : [])),
  )
  return generations.sort((one, other) => one - other)
}

function hasOthers(account: PbxAccountInForce | undefined, id: string): boolean {
  return account?.credentials.some((credential) => credential.id !== id) ?? false
}

function ownTrace(subject: SipCredentialSubject): (address: string | null) => boolean {
  const matches = addressMatcher(subject.addresses)
  return (address) => address === null || matches(address)
}

function factsOf(subject: SipCredentialSubject) {
  return { extension: subject.extension, username: subject.username, generation: subject.generation }
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
