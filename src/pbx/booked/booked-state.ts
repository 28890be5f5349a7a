import { digestHa1 } from '../../domain/sip-account.ts'
import { AppError } from '../../errors.ts'
import { type BookEntry, knownDigest } from '../account-book.ts'
import { severalAtATime } from '../in-turn.ts'
import type {
  CredentialInForce,
  DisconnectTarget,
  ExistingExtension,
  PbxAccountInForce,
  PbxState,
  Registration,
} from '../pbx-driver.ts'
import { unreachable } from '../pbx-http.ts'
import type { BookedPbx, ExtensionDesk, Listed, Looked, OngoingCall } from './extension-desk.ts'

/** What a PBX that holds one secret for an extension shows of the extensions that are ours by the book. */

export async function readBooked({ desk, book, realm }: BookedPbx, signal: AbortSignal): Promise<PbxState> {
  const entries = await book.read()
  const product = await desk.product(signal)
  const listed = await desk.list(signal)
  const calls = await desk.calls(signal)
  const looked = await lookAt(
    desk,
    listed.filter(({ extension }) => entries.has(extension)),
    signal,
  )
  const accounts: PbxAccountInForce[] = []
  const foreign: string[] = []
  for (const [extension, objects] of Map.groupBy(listed, (one) => one.extension)) {
    const entry = entries.get(extension)
    const credentials: CredentialInForce[] = []
    const registrations: Registration[] = []
    for (const { objectId, registrations: own } of objects) {
      const one = looked.get(objectId)
      registrations.push(...own)
      if (entry && one && isOurObject(entry, objectId, one, realm)) credentials.push(...inForce(entry, one, realm))
      // Gone between the listing and the look, it is nobody's; what was seen registered then is shown all the same.
      else if ((one || !entry) && !foreign.includes(extension)) foreign.push(extension)
    }
    const account = { extension, credentials, registrations, calls: callsOf(extension, calls), policy: null }
    if (credentials.length + registrations.length + account.calls.length > 0) accounts.push(account)
  }
  return { product, accounts: accounts.sort(byExtension), foreign: foreign.sort() }
}

/**
 * A few at a time: a small PBX has other things to do than to answer us. One whose login is hidden says nothing of the
 * others; when all are, the client lacks the right.
 */
async function lookAt(desk: ExtensionDesk, listed: readonly Listed[], signal: AbortSignal) {
  const looked = new Map<string, Looked | 'not-shown'>()
  const refusals: AppError[] = []
  await severalAtATime(listed, 4, async (listing) => {
    const { objectId } = listing
    try {
      const one = await lookAtListed(desk, listing, signal)
      if (one) looked.set(objectId, one)
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'PBX_REFUSED') throw error
      refusals.push(error)
      looked.set(objectId, 'not-shown')
    }
  })
  if (refusals[0] && refusals.length === looked.size) throw refusals[0]
  return looked
}

/**
 * Null: gone since it was listed. One that is listed still, and answers that it is not there, is a PBX that cannot be read
 * now (its service starts, a proxy stands in front of it): called gone, it would pass for shut.
 */
export async function lookAtListed(desk: ExtensionDesk, listed: Listed, signal: AbortSignal): Promise<Looked | null> {
  const one = await desk.look(listed.objectId, signal)
  if (one) return one
  const again = await desk.find([listed.extension], signal)
  if (!again.some(({ objectId }) => objectId === listed.objectId)) return null
  throw unreachable(`the PBX lists extension ${listed.extension} and says that it is not there`)
}

/**
 * The object that the book names; or any other of the same number that holds a secret we once gave out: an import or a
 * backup brings an extension back under another id, and a phone does not ask for ids.
 */
function isOurObject(entry: BookEntry, objectId: string, looked: Looked | 'not-shown', realm: string): boolean {
  if (entry.objectId === objectId) return true
  return looked !== 'not-shown' && knownDigest(entry, digestShown(looked, realm)) !== undefined
}

/**
 * Which of our credentials stands on the PBX. A secret that we gave out counts even while the account is switched off, for
 * it is one click away from working: half a closing must not look like a whole one.
 */
function inForce(entry: BookEntry, looked: Looked | 'not-shown', realm: string): readonly CredentialInForce[] {
  const last = entry.credential ?? { id: 'unknown', generation: 0 }
  if (looked === 'not-shown') return [{ id: last.id, generation: last.generation, digest: null, doubt: 'not-shown' }]
  const digest = digestShown(looked, realm)
  const known = knownDigest(entry, digest)
  const switchedOff = looked.enabled === false ? ({ doubt: 'switched-off' } as const) : {}
  if (known) return [{ ...known, ...switchedOff }]
  if (looked.enabled === false) return []
  if (entry.credential !== null) return [{ id: last.id, generation: last.generation, digest }]
  // What was shut last holds the secret that nobody was told, unless somebody set another.
  const isAsShut = looked.enabled === null && (entry.shutDigest === undefined || entry.shutDigest === digest)
  return isAsShut ? [] : [{ id: 'unknown', generation: 0, digest }]
}

export function digestShown({ username, secret }: Looked, realm: string): string {
  return digestHa1(username, realm, secret)
}

/** Ends calls of whole extensions. Of some addresses only: not here, no call shows where its phone is. */
export async function hangUpBooked(
  { desk }: BookedPbx,
  targets: readonly DisconnectTarget[],
  signal: AbortSignal,
): Promise<void> {
  const meant = new Set(targets.filter(({ addresses }) => addresses === null).map(({ extension }) => extension))
  for (const { id, extensions } of await desk.calls(signal)) {
    if (extensions.some((extension) => meant.has(extension))) await desk.hangUp(id, signal)
  }
}

export async function listUnbooked(
  { desk, book }: BookedPbx,
  signal: AbortSignal,
): Promise<readonly ExistingExtension[]> {
  const entries = await book.read()
  const free = (await desk.list(signal)).filter((one) => !mayBeOurs(one, entries.get(one.extension)))
  return [...Map.groupBy(free, ({ extension }) => extension).values()]
    .map(([one, another]) => {
      const { extension, displayName, email, facts } = one!
      const obstacle = another ? 'it is there more than once: remove all but one on the PBX' : null
      return { extension, displayName, email, facts, obstacle }
    })
    .sort(byExtension)
}

function mayBeOurs({ objectId }: Listed, entry: BookEntry | undefined): boolean {
  return entry !== undefined && (entry.objectId === null || entry.objectId === objectId)
}

function callsOf(extension: string, calls: readonly OngoingCall[]) {
  return calls.filter(({ extensions }) => extensions.includes(extension)).map(({ id }) => ({ id, address: null }))
}

function byExtension(one: { extension: string }, other: { extension: string }): number {
  return one.extension < other.extension ? -1 : 1
}
