import type { Finding } from '../access/access-system.ts'
import type { AssignmentSubject } from '../domain/access.ts'
import { policyText } from '../domain/call-policy.ts'
import { policyWords } from '../domain/call-words.ts'
import type { CallJudgement, Leftover, PbxAbilities, PbxAccountInForce, SharedPin } from './pbx-driver.ts'

export interface ExtensionState {
  readonly product: string
  readonly accounts: ReadonlyMap<string, PbxAccountInForce>
  /** Extensions that somebody else made on the PBX, or gave a password there. */
  readonly others: ReadonlySet<string>
  /** By extension, of those that were asked for; null: this PBX does not show them. */
  readonly leftovers: ReadonlyMap<string, readonly Leftover[]> | null
  /** Ids of closings whose extension has a next holder and that were seen done, or ticked, before. */
  readonly seenShut: ReadonlySet<string>
  /** What this PBX shows of them, asked only while somebody is leaving. */
  readonly sharedPins: readonly SharedPin[]
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
