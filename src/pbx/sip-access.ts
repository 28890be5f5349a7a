import type { AccessSystem } from '../access/access-system.ts'
import type { SipCredentialSubject } from '../domain/access.ts'
import { AppError } from '../errors.ts'
import type { DisconnectTarget, PbxAccount, PbxDriver, PbxState } from './pbx-driver.ts'
import { extensionsOf, seePbx } from './see-pbx.ts'
import { judgeClosed, judgeOpen, judgeUnread, othersExtensions, type TickedStep } from './sip-judgement.ts'
import { listStrangers } from './sip-strangers.ts'

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
  /** Of a PBX that cannot be read: the closing steps that somebody ticked, by subject. */
  readonly tickedSteps?: () => Promise<ReadonlyMap<string, TickedStep>>
}

/** What a read shows, and what people gave their word for. */
export interface SipState extends PbxState {
  readonly ticked?: ReadonlyMap<string, TickedStep> | undefined
}

/**
 * SIP credentials on one PBX. Open: exactly the newest generation of the credential is in force. Closed: no generation of
 * it is in force, and no registration and no call of its own is left.
 *
 * What is its own: on an extension with no other live credential, everything; else only what comes from its own tunnel's
 * addresses. Whether there is another one is looked at each time: a tombstone was written before the extension's next
 * owner came, and must not shut him.
 */
export function sipAccess(options: SipAccessOptions): AccessSystem<SipCredentialSubject, SipState> {
  const { driver } = options
  /** At the last look; null where nothing is known: before the first one, and since the PBX was away. */
  let others: ReadonlySet<string> | null = null
  const ticked = async () => (driver.abilities.readBack ? undefined : options.tickedSteps?.())
  const read = async (signal: AbortSignal): Promise<SipState> => {
    others = null
    const state = await seePbx(driver, signal, { policies: false })
    others = othersExtensions(state)
    return { ...state, ticked: await ticked() }
  }
  /** Of a few it says nothing about all: where nothing is known, that stays so. */
  const readSome = async (asked: readonly string[], signal: AbortSignal): Promise<SipState> => {
    const before = others
    others = null
    const state = await seePbx(driver, signal, { extensions: asked, policies: false })
    others = before?.difference(new Set(asked)).union(othersExtensions(state)) ?? null
    return { ...state, ticked: await ticked() }
  }
  return {
    kind: 'sip-account',
    instance: options.pbxId,
    ...(driver.mostAtOnce === undefined ? {} : { mostAtOnce: driver.mostAtOnce }),
    read,
    readSome: (subjects, signal) => readSome(extensionsOf(subjects), signal),
    judge(subject, state) {
      if (!driver.abilities.readBack) return judgeUnread(subject, state, driver, state.ticked?.get(subject.id))
      if (subject.wanted === 'closed') return judgeClosed(subject, state)
      const showsDigest = driver.abilities.storesSecretAs === 'digest'
      return judgeOpen(subject, state, { expected: options.digestOf(subject), showsDigest })
    },
    apply: (subjects, signal) => apply(subjects, { ...options, look: readSome, others: () => others }, signal),
    strangers: (subjects, state) => listStrangers(subjects, state, driver.abilities),
  }
}

/** What becomes of an extension that nobody holds. */
const nothing = { displayName: '', credentials: [], maxContacts: 1, policy: null, adopted: false }

interface Looking extends SipAccessOptions {
  /** At these. */
  readonly look: (extensions: readonly string[], signal: AbortSignal) => Promise<PbxState>
  /** What the last look showed; null when nothing is known. */
  readonly others: () => ReadonlySet<string> | null
}

async function apply(subjects: readonly SipCredentialSubject[], options: Looking, signal: AbortSignal) {
  const extensions = extensionsOf(subjects)
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
    const account = desired.get(extension) ?? { ...nothing, extension }
    return { ...account, credentials: account.credentials.filter(({ id }) => !closedIds.has(id)) }
  })
  // The secret goes first: a phone that is cut while it still has one comes back at once.
  let refusal: { readonly error: unknown } | null = null
  let secretless: readonly SipCredentialSubject[] = closing
  try {
    await options.driver.applyAccounts(accounts, signal)
  } catch (error) {
    if (!options.driver.disconnect || closing.length === 0 || signal.aborted) throw error
    // It may be about one of many; the others' secrets may be gone, and their phones wait for nobody.
    refusal = { error }
    secretless = await withoutSecret(closing, options, signal)
  }
  const inUse = new Set(accounts.filter(({ credentials }) => credentials.length > 0).map(({ extension }) => extension))
  try {
    await cutOff(secretless, inUse, options, signal)
  } catch (error) {
    throw refusal ? refusal.error : error
  }
  if (refusal) throw refusal.error
}

/**
 * Everything of an extension that is surely nobody's any more, else what comes from the closed phone's own addresses.
 * @param inUse extensions that serve another phone of ours
 */
async function cutOff(
  closed: readonly SipCredentialSubject[],
  inUse: ReadonlySet<string>,
  { driver, look, others }: Looking,
  signal: AbortSignal,
): Promise<void> {
  if (!driver.disconnect || closed.length === 0) return
  // Where it cannot be seen whose it is, the rest waits: the look that every pass ends with tells.
  const known = others() ?? (await look(extensionsOf(closed), signal).then(othersExtensions, () => null))
  const targets = closed.flatMap(({ extension, addresses, extensionShared }): DisconnectTarget[] => {
    // Made anew by somebody else: perhaps for a next holder, whose calls no closing may end.
    const isOthers = known === null || known.has(extension)
    if (!extensionShared && !inUse.has(extension) && !isOthers) return [{ extension, addresses: null }]
    return addresses.length > 0 ? [{ extension, addresses }] : []
  })
  if (targets.length > 0) await driver.disconnect(targets, signal)
}

/** Those that the PBX is seen to know no secret of; none when it cannot be read. */
async function withoutSecret(
  closing: readonly SipCredentialSubject[],
  { driver, look }: Looking,
  signal: AbortSignal,
): Promise<readonly SipCredentialSubject[]> {
  if (!driver.abilities.readBack) return []
  const state = await look(extensionsOf(closing), signal).catch(() => null)
  if (state === null) return []
  const inForce = new Set(state.accounts.flatMap(({ credentials }) => credentials.map(({ id }) => id)))
  return closing.filter(({ id }) => !inForce.has(id))
}
