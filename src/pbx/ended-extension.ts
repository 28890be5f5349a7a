import type { Finding } from '../access/access-system.ts'
import type { AssignmentSubject } from '../domain/access.ts'
import { ownKinds, reachOfLeftovers, sharedKinds, stepsFor } from '../domain/outliving.ts'
import type { ExtensionState } from './extension-judgement.ts'
import { judgePassedOn, listed, othersStep } from './passed-on-extension.ts'
import type { Leftover, PbxAccountInForce, PbxDriver } from './pbx-driver.ts'

/**
 * Closed: nothing of whoever had it goes on, and where the PBX keeps the extension without a login it is blocked. Whether
 * somebody can still log in is said on the line of the account alone. PINs that the leaver may know by heart are no part of
 * the extension: they are a step once, while somebody leaves, also where the extension has its next owner already.
 */
export function judgeEnded(
  subject: AssignmentSubject,
  state: ExtensionState,
  { outliving }: Pick<PbxDriver, 'outliving'>,
): Finding {
  const { product, accounts, leftovers, sharedPins } = state
  const { extension, hasNextHolder } = subject
  const byHeart = subject.leaving ? [...sharedPins.map(({ words }) => words), ...stepsFor(outliving, sharedKinds)] : []
  const hint = `do the step, then \`ringfence acknowledge ${extension} extension\``
  const toChange = byHeart.length > 0 ? [byHeartWords(byHeart)] : []
  const unseen = stepsFor(outliving, ownKinds)
  if (hasNextHolder) return judgePassedOn(subject, state, { unseen, toChange })
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
  const seen = leftovers === null ? null : found
  const evidence = { summary: evidenceWords(extension, product, standing, seen, unseen.length > 0), facts }
  const clearable = reachOfLeftovers(outliving) === 'cleared' && !isOthers ? found.filter((one) => one.clearable) : []
  if (clearable.length > 0) {
    return {
      state: 'differs',
      evidence,
      problem: `still set on the PBX for extension ${extension}: ${listed(clearable)}`,
      hint: 'Ringfence clears it again',
    }
  }
  const steps = [
    ...(found.length > 0
      ? [
          isOthers
            ? othersStep(extension, found)
            : `On the PBX, for extension ${extension}: ${listed(found)}. Clear it.`,
        ]
      : []),
    ...(unseen.length > 0
      ? [
          `On the PBX, look whether something of extension ${extension} goes on without its password, and clear it: ${unseen.join('; ')}.`,
        ]
      : []),
    ...toChange,
  ]
  if (steps.length === 0) return { state: 'as-desired', evidence }
  return { state: 'waiting', evidence, problem: steps.join(' '), hint }
}

function byHeartWords(pins: readonly string[]): string {
  return `On the PBX, change what whoever leaves may know by heart: ${pins.join('; ')}.`
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
  'has a login': 'is still there on',
  "somebody else's": 'was made, or given a password, by somebody else on',
}

/** Says no more than was looked at. `more`: there are kinds that this PBX does not show. */
function evidenceWords(
  extension: string,
  product: string,
  standing: Standing,
  found: readonly Leftover[] | null,
  more: boolean,
): string {
  // Its login may go a moment later, and this line must not say the contrary then.
  const login = standing === 'has a login' ? ' (its login: see the line sip-account)' : ''
  const start = `extension ${extension} ${standingWords[standing]} ${product}${login}`
  if (found === null) return `${start}, which does not show what outlives a password`
  if (found.length > 0) return `${start}; still set: ${listed(found)}`
  return more
    ? `${start}, and nothing of what it shows would outlive the password; it does not show everything`
    : `${start}, and it shows nothing that would outlive the password`
}
