import type { AccessSystem } from '../access/access-system.ts'
import type { AssignmentSubject } from '../domain/access.ts'
import { kindWords, sharedKinds } from '../domain/outliving.ts'
import { AppError } from '../errors.ts'
import { judgeEnded } from './ended-extension.ts'
import { type ExtensionState, judgePolicy } from './extension-judgement.ts'
import type { CallWish, Leftover, PbxAccount, PbxDriver, SharedPin } from './pbx-driver.ts'
import { extensionsOf, seePbx } from './see-pbx.ts'
import { othersExtensions } from './sip-judgement.ts'

export interface ExtensionAccessOptions {
  readonly pbxId: string
  readonly driver: PbxDriver
  /** The complete desired state of these extensions, as for SIP credentials (sip-access.ts). */
  readonly accountsOf: (extensions: readonly string[]) => Promise<readonly PbxAccount[]>
  /** Which of these extensions somebody holds in Ringfence at this moment. */
  readonly heldNow: (extensions: readonly string[]) => Promise<ReadonlySet<string>>
  /** The ids of those whose closing was seen done before, or ticked. */
  readonly seenShut: (subjects: readonly AssignmentSubject[]) => Promise<ReadonlySet<string>>
  /** Everything that a whole look is about. */
  readonly subjects: () => Promise<readonly AssignmentSubject[]>
}

/**
 * What goes on under an extension whoever logs in. Open: the call policy that was chosen is in force. Closed: the extension
 * is blocked or gone, and nothing that outlives a password goes on acting for whoever had it.
 *
 * Clearing belongs to the closing. On an extension that has a next owner, in Ringfence or made on the PBX by somebody else,
 * nothing is touched for the last one's sake: what is set there may be theirs, so it is shown.
 */
export function extensionAccess(options: ExtensionAccessOptions): AccessSystem<AssignmentSubject, ExtensionState> {
  const { driver } = options
  const look = async (subjects: readonly AssignmentSubject[], signal: AbortSignal): Promise<ExtensionState> => {
    const state = await seePbx(driver, signal, { extensions: extensionsOf(subjects) })
    const closed = subjects.filter(({ wanted }) => wanted === 'closed')
    const judged = (await driver.judgeCalls?.(wishesOf(subjects), signal)) ?? []
    const passedOn = closed.filter(({ hasNextHolder }) => hasNextHolder)
    return {
      product: state.product,
      accounts: new Map(state.accounts.map((account) => [account.extension, account])),
      others: othersExtensions(state),
      leftovers: await readLeftovers(driver, extensionsOf(closed), signal),
      seenShut: passedOn.length === 0 ? new Set() : await options.seenShut(passedOn),
      // One question however many leave, and none while nobody does.
      sharedPins: subjects.some(isLeaving) ? await readSharedPins(driver, signal) : [],
      judged: new Map(judged.map((judgement) => [judgement.extension, judgement])),
    }
  }
  return {
    kind: 'extension',
    instance: options.pbxId,
    ...(driver.mostAtOnce === undefined ? {} : { mostAtOnce: driver.mostAtOnce }),
    read: async (signal) => look(await options.subjects(), signal),
    readSome: look,
    judge: (subject, state) =>
      subject.wanted === 'open' ? judgePolicy(subject, state, driver.abilities) : judgeEnded(subject, state, driver),
    async apply(subjects, signal) {
      const open = subjects.filter(({ wanted }) => wanted === 'open').map(({ extension }) => extension)
      if (driver.abilities.callClasses === 'enforced' && open.length > 0) {
        const accounts = await options.accountsOf([...new Set(open)])
        // Whoever has no phone yet has no account to hang a policy on.
        const held = accounts.filter(({ credentials }) => credentials.length > 0)
        if (held.length > 0) await driver.applyAccounts(held, signal)
      }
      // Blocking and the account itself are the business of the SIP credential, which goes at the same moment.
      const ended = subjects.filter(({ wanted, hasNextHolder }) => wanted === 'closed' && !hasNextHolder)
      await clearLeftovers(extensionsOf(ended), options, signal)
    },
  }
}

async function readLeftovers(
  driver: PbxDriver,
  extensions: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, readonly Leftover[]> | null> {
  if (!driver.readLeftovers) return null
  const found = extensions.length === 0 ? [] : await driver.readLeftovers(extensions, signal)
  return Map.groupBy(found, ({ extension }) => extension)
}

/** Whose an extension is, is asked at the last moment, here and on the PBX: it may have got an owner since it was listed. */
async function clearLeftovers(
  extensions: readonly string[],
  { driver, heldNow }: ExtensionAccessOptions,
  signal: AbortSignal,
): Promise<void> {
  if (!driver.clearLeftovers || extensions.length === 0) return
  const found = await readLeftovers(driver, extensions, signal)
  const set = extensions.filter((extension) => found?.get(extension)?.some(({ clearable }) => clearable))
  if (set.length === 0) return
  const others = othersExtensions(await driver.readAccounts(signal, { extensions: set, policies: false }))
  const held = await heldNow(set)
  const left = set.filter((extension) => !held.has(extension) && !others.has(extension))
  if (left.length > 0) await driver.clearLeftovers(left, signal)
}

/** What may not be looked at is a step for a person, and no reason to wait for ever. */
async function readSharedPins(driver: PbxDriver, signal: AbortSignal): Promise<readonly SharedPin[]> {
  try {
    return (await driver.readSharedPins?.(signal)) ?? []
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'PBX_REFUSED') throw error
    const kinds = sharedKinds.filter((kind) => driver.outliving[kind] === 'read').map((kind) => kindWords[kind])
    return [{ kind: 'conference-pin', words: `${kinds.join(', ')}, which cannot be seen (${error.message})` }]
  }
}

function isLeaving({ wanted, leaving }: AssignmentSubject): boolean {
  return wanted === 'closed' && leaving
}

function wishesOf(subjects: readonly AssignmentSubject[]): readonly CallWish[] {
  return subjects.flatMap(({ wanted, extension, policy }) =>
    wanted === 'open' && policy !== null ? [{ extension, policy }] : [],
  )
}
