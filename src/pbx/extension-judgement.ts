import type { Finding } from '../access/access-system.ts'
import type { AssignmentSubject } from '../domain/access.ts'
import { policyText } from '../domain/call-policy.ts'
import { policyWords } from '../domain/call-words.ts'
import type { Leftover, PbxAbilities, PbxAccountInForce, PbxDriver } from './pbx-driver.ts'

export interface ExtensionState {
  readonly product: string
  readonly accounts: ReadonlyMap<string, PbxAccountInForce>
  /** By extension, of those that were asked for; null: this PBX does not show them. */
  readonly leftovers: ReadonlyMap<string, readonly Leftover[]> | null
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

/** Closed: blocked or gone, and nothing of whoever had it goes on. */
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
  const isGone = account === undefined || (account.credentials.length === 0 && account.policy === null)
  const found = leftovers?.get(extension) ?? []
  const facts = {
    extension,
    product,
    account: isGone ? 'gone' : (account.policy ?? 'there'),
    leftovers: leftovers === null ? null : found.map(({ kind }) => kind).join(' ') || 'none found',
  }
  if (!isGone && account.policy !== 'blocked') {
    return {
      state: 'differs',
      evidence: { summary: `extension ${extension} is there on ${product} and not blocked`, facts },
      problem: `extension ${extension} is neither gone nor blocked`,
      hint: 'see the line sip-account',
    }
  }
  const evidence = { summary: evidenceWords(extension, product, isGone, leftovers === null ? null : found), facts }
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

/** Says no more than was looked at. */
function evidenceWords(extension: string, product: string, isGone: boolean, found: readonly Leftover[] | null): string {
  const start = `extension ${extension} is ${isGone ? 'gone from' : 'blocked on'} ${product}`
  if (found === null) return `${start}, which does not show what outlives a password`
  if (found.length === 0) return `${start}, and it shows nothing that would outlive the password`
  return `${start}; still set: ${found.map(({ words }) => words).join('; ')}`
}
