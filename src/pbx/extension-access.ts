import type { AccessSystem } from '../access/access-system.ts'
import type { AssignmentSubject } from '../domain/access.ts'
import { AppError } from '../errors.ts'
import { judgeEnded } from './ended-extension.ts'
import { type ExtensionState, judgePolicy } from './extension-judgement.ts'
import { kindWords, sharedKinds } from './outliving.ts'
import type { Leftover, PbxAccount, PbxDriver, SharedPin } from './pbx-driver.ts'

export interface ExtensionAccessOptions {
  readonly pbxId: string
  readonly driver: PbxDriver
  /** The complete desired state of these extensions, as for SIP credentials (sip-access.ts). */
  readonly accountsOf: (extensions: readonly string[]) => Promise<readonly PbxAccount[]>
  /** Everything that a whole look is about. */
  readonly subjects: () => Promise<readonly AssignmentSubject[]>
}

/**
 * What goes on under an extension whoever logs in. Open: the call policy that was chosen is in force. Closed: the extension
 * is blocked or gone, and nothing that outlives a password goes on acting for whoever had it. An extension that has a next
 * owner is never touched for the last one's sake.
 */
export function extensionAccess(options: ExtensionAccessOptions): AccessSystem<AssignmentSubject, ExtensionState> {
  const { driver } = options
  const look = async (subjects: readonly AssignmentSubject[], signal: AbortSignal): Promise<ExtensionState> => {
    const { product, accounts } = await readPbx(driver, subjects, signal)
    const leftovers = await readLeftovers(driver, ended(subjects), signal)
    // One question however many leave, and none while nobody does.
    const sharedPins = subjects.some(isLeaving) ? await readSharedPins(driver, signal) : []
    return {
      product,
      accounts: new Map(accounts.map((account) => [account.extension, account])),
      leftovers,
      sharedPins,
    }
  }
  return {
    kind: 'extension',
    instance: options.pbxId,
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
      const left = await stillFree(ended(subjects), options)
      if (driver.clearLeftovers && left.length > 0) await driver.clearLeftovers(left, signal)
    },
  }
}

/** A PBX that cannot be read has nothing to show; one that is away must show as away. */
async function readPbx(driver: PbxDriver, subjects: readonly AssignmentSubject[], signal: AbortSignal) {
  const extensions = [...new Set(subjects.map(({ extension }) => extension))]
  if (driver.abilities.readBack) return driver.readAccounts(signal, extensions)
  return { product: (await driver.describe(signal)).product, accounts: [] }
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

function ended(subjects: readonly AssignmentSubject[]): readonly string[] {
  const closed = subjects.filter(({ wanted, hasNextHolder }) => wanted === 'closed' && !hasNextHolder)
  return [...new Set(closed.map(({ extension }) => extension))]
}

/** Asked again at the last moment: the extension may have got an owner since it was listed. */
async function stillFree(extensions: readonly string[], { accountsOf }: ExtensionAccessOptions) {
  if (extensions.length === 0) return []
  const held = new Set(
    (await accountsOf(extensions))
      .filter(({ credentials }) => credentials.length > 0)
      .map(({ extension }) => extension),
  )
  return extensions.filter((extension) => !held.has(extension))
}
