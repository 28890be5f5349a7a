import type { Finding } from '../access/access-system.ts'
import type { AssignmentSubject } from '../domain/access.ts'
import { policyText } from '../domain/call-policy.ts'
import { policyWords } from '../domain/call-words.ts'
import { judgePassedOn, listed, othersStep } from './passed-on-extension.ts'
import type { Leftover, PbxAbilities, PbxAccountInForce, PbxDriver } from './pbx-driver.ts'

export interface ExtensionState {
  readonly product: string
  readonly accounts: ReadonlyMap<string, PbxAccountInForce>
  /** Extensions that somebody else made on the PBX, or gave a password there. */
  readonly others: ReadonlySet<string>
  /** By extension, of those that were asked for; null: this PBX does not show them. */
  readonly leftovers: ReadonlyMap<string, readonly Leftover[]> | null
  /** Ids of closings whose extension has a next holder and that were seen done, or ticked, before. */
  readonly seenShut: ReadonlySet<string>
}

/** Open: what was chosen is in force, or is a step for a person where the PBX takes no call classes. */
export function judgePolicy(
  subject: AssignmentSubject,
  { product, accounts }: ExtensionState,
  { callClasses }: Pick<PbxAbilities, 'callClasses'>,
): Finding {
  const { extension, policy } = subject
  const wanted = policyText(policy)
  if (callClasses === 'absent') {
    const evidence = { summary: `${product} is told no call classes`, facts: { extension, wanted, inForce: null } }
    const words = policy === null ? 'to what it was before a call class was chosen' : `to ${policyWords(policy)}`
    return {
      state: 'waiting',
      evidence,
      problem: `On the PBX, set the outbound permission of extension ${extension} ${words}. Emergency numbers stay allowed.`,
      hint: `do the step, then \`ringfence acknowledge ${extension} extension\``,
    }
  }
  const account = accounts.get(extension)
  const inForce = account?.policy ?? (account ? 'unknown' : 'no account')
  const facts = { extension, wanted, inForce }
  if (inForce === wanted || (policy === null && !account)) {
    const summary = policy === null ? `no call class in force on ${product}` : `${wanted} in force on ${product}`
    return { state: 'as-desired', evidence: { summary, facts } }
  }
  return {
    state: 'differs',
    evidence: { summary: `instead of ${wanted}, ${inForce} is in force on ${product}`, facts },
    problem: 'what this extension may dial is not what was chosen',
    hint: account
      ? 'Ringfence sets it again; `ringfence doctor` says what keeps the PBX from taking it'
      : 'the account comes first: see the line sip-account',
  }
}

const whatOutlives = 'call forwards, follow-me, voicemail PIN and dial-out, DISA, conference PINs, shared lines'

/**
 * Closed: nothing of whoever had it goes on, and where the PBX keeps the extension without a login it is blocked. Whether
 * somebody can still log in is said on the line of the account alone.
 */
export function judgeEnded(
  subject: AssignmentSubject,
  state: ExtensionState,
  { abilities }: Pick<PbxDriver, 'abilities'>,
): Finding {
  if (subject.hasNextHolder) return judgePassedOn(subject, state, whatOutlives)
  const { product, accounts, leftovers } = state
  const { extension } = subject
  const account = accounts.get(extension)
  const isOthers = state.others.has(extension)
  const standing = isOthers ? "somebody else's" : standingOf(account)
  const found = leftovers?.get(extension) ?? []
  const facts = {
    extension,
    product,
    account: standing,
    leftovers: leftovers === null ? null : found.map(({ kind }) => kind).join(' ') || 'none found',
  }
  if (standing === 'kept') {
    return {
      state: 'differs',
      evidence: { summary: `extension ${extension} is there on ${product}, without a login and not blocked`, facts },
      problem: `extension ${extension} is neither gone nor blocked`,
      hint: 'Ringfence blocks it again with its account: see the line sip-account',
    }
  }
  const evidence = { summary: evidenceWords(extension, product, standing, leftovers === null ? null : found), facts }
  const hint = `do the step, then \`ringfence acknowledge ${extension} extension\``
  if (leftovers === null) {
    const problem = `On the PBX, look whether something of extension ${extension} goes on without its password, and clear it: ${whatOutlives}.`
    return { state: 'waiting', evidence, problem, hint }
  }
  if (isOthers && found.length > 0) return { state: 'waiting', evidence, problem: othersStep(extension, found), hint }
  const clearable = abilities.leftovers === 'cleared' ? found.filter((one) => one.clearable) : []
  if (clearable.length > 0) {
    return {
      state: 'differs',
      evidence,
      problem: `still set on the PBX for extension ${extension}: ${listed(clearable)}`,
      hint: 'Ringfence clears it again',
    }
  }
  if (found.length === 0) return { state: 'as-desired', evidence }
  const problem = `On the PBX, for extension ${extension}: ${listed(found)}. Clear it.`
  return { state: 'waiting', evidence, problem, hint }
}

type Standing = 'gone' | 'blocked' | 'kept' | 'has a login' | "somebody else's"

function standingOf(account: PbxAccountInForce | undefined): Standing {
  if (account === undefined) return 'gone'
  if (account.policy === 'blocked') return 'blocked'
  if (account.credentials.length > 0) return 'has a login'
  return account.policy === null ? 'gone' : 'kept'
}

const standingWords: Readonly<Record<Standing, string>> = {
  gone: 'is gone from',
  blocked: 'is blocked on',
  kept: 'is there on',
  'has a login': 'still has a login on',
  "somebody else's": 'was made, or given a password, by somebody else on',
}

/** Says no more than was looked at. */
function evidenceWords(
  extension: string,
  product: string,
  standing: Standing,
  found: readonly Leftover[] | null,
): string {
  const start = `extension ${extension} ${standingWords[standing]} ${product}`
  if (found === null) return `${start}, which does not show what outlives a password`
  if (found.length === 0) return `${start}, and it shows nothing that would outlive the password`
  return `${start}; still set: ${listed(found)}`
}
