import type { Finding } from '../access/access-system.ts'
import type { AssignmentSubject } from '../domain/access.ts'
import { policyText } from '../domain/call-policy.ts'
import { policyWords } from '../domain/call-words.ts'
import type { CallJudgement, Leftover, PbxAbilities, PbxAccountInForce, PbxDriver } from './pbx-driver.ts'

export interface ExtensionState {
  readonly product: string
  readonly accounts: ReadonlyMap<string, PbxAccountInForce>
  /** By extension, of those that were asked for; null: this PBX does not show them. */
  readonly leftovers: ReadonlyMap<string, readonly Leftover[]> | null
  /** By extension, where the PBX's own rules are judged. */
  readonly judged: ReadonlyMap<string, CallJudgement>
}

/** Open: what was chosen is in force, or is a step for a person where the PBX takes no call classes. */
export function judgePolicy(
  subject: AssignmentSubject,
  { product, accounts, judged }: ExtensionState,
  { callClasses }: Pick<PbxAbilities, 'callClasses'>,
): Finding {
  const { extension, policy } = subject
  const wanted = policyText(policy)
  if (callClasses === 'judged') return judgeRules(subject, product, judged.get(extension))
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

/** The rules are the admin's: what they let through is a step for a person until they do not any more. */
function judgeRules(
  { extension, policy }: AssignmentSubject,
  product: string,
  judgement: CallJudgement | undefined,
): Finding {
  const facts = { extension, wanted: policyText(policy), steps: judgement?.steps.length ?? null }
  if (policy === null) {
    const summary = `no call class is chosen: the rules of ${product} hold alone`
    return { state: 'as-desired', evidence: { summary, facts } }
  }
  if (!judgement) {
    const problem = `the rules of ${product} were not judged for extension ${extension}`
    return { state: 'differs', evidence: { summary: problem, facts }, problem, hint: 'Ringfence looks again' }
  }
  const { seen, steps } = judgement
  const evidence = { summary: `${seen} (${policyWords(policy)})`, facts }
  if (steps.length === 0) return { state: 'as-desired', evidence }
  return {
    state: 'waiting',
    evidence,
    problem: `On the PBX: ${steps.join('; ')}.`,
    hint: `the line closes by itself when the rules are right; where another rule stops these calls before, \`ringfence acknowledge ${extension} extension\``,
  }
}

const whatOutlives = 'call forwards, follow-me, voicemail PIN and dial-out, DISA, conference PINs, shared lines'

/**
 * Closed: nothing of whoever had it goes on, and where the PBX keeps the extension without a login it is blocked. Whether
 * somebody can still log in is said on the line of the account alone.
 */
export function judgeEnded(
  subject: AssignmentSubject,
  { product, accounts, leftovers }: ExtensionState,
  { abilities }: Pick<PbxDriver, 'abilities'>,
): Finding {
  const { extension } = subject
  if (subject.hasNextHolder) {
    const summary = `extension ${extension} has another owner now: what is set there was left alone`
    return { state: 'as-desired', evidence: { summary, facts: { extension, product, hasNextHolder: true } } }
  }
  const account = accounts.get(extension)
  const standing = standingOf(account)
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
  const clearable = abilities.leftovers === 'cleared' ? found.filter((one) => one.clearable) : []
  if (clearable.length > 0) {
    return {
      state: 'differs',
      evidence,
      problem: `still set on the PBX for extension ${extension}: ${clearable.map(({ words }) => words).join('; ')}`,
      hint: 'Ringfence clears it again',
    }
  }
  if (found.length === 0) return { state: 'as-desired', evidence }
  const problem = `On the PBX, for extension ${extension}: ${found.map(({ words }) => words).join('; ')}. Clear it.`
  return { state: 'waiting', evidence, problem, hint }
}

type Standing = 'gone' | 'blocked' | 'kept' | 'has a login'

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
  return `${start}; still set: ${found.map(({ words }) => words).join('; ')}`
}
