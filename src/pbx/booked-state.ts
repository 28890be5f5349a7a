import { digestHa1 } from '../domain/sip-account.ts'
import type { BookEntry, BookedCredential } from './account-book.ts'
import type { BookedPbx } from './booked-accounts.ts'
import type { Listed, Looked, OngoingCall } from './extension-desk.ts'
import type { DisconnectTarget, ExistingExtension, PbxAccountInForce, PbxState } from './pbx-driver.ts'

/** What a PBX that holds one secret for an extension shows of the extensions that are ours by the book. */

export async function readBooked({ desk, book, realm }: BookedPbx, signal: AbortSignal): Promise<PbxState> {
  const entries = await book.read()
  const product = await desk.product(signal)
  const listed = await desk.list(signal)
  const calls = await desk.calls(signal)
  const ours = listed.filter((one) => mayBeOurs(one, entries.get(one.extension)))
  const looked = new Map<string, Looked>()
  // A few at a time: a small PBX has other things to do than to answer us.
  await inLanes(4, ours, async ({ extension, objectId }) => {
    const one = await desk.look(objectId, signal)
    if (one) looked.set(extension, one)
  })
  const accounts: PbxAccountInForce[] = []
  const foreign = listed.filter((one) => !ours.includes(one)).map(({ extension }) => extension)
  for (const { extension, registrations } of ours) {
    const [entry, one] = [entries.get(extension)!, looked.get(extension)]
    if (!one) continue
    const shown = digestHa1(one.username, realm, one.secret)
    if (entry.objectId === null && knownDigest(entry, shown) === undefined) {
      foreign.push(extension)
      continue
    }
    const account = {
      extension,
      credentials: inForce(entry, one, shown),
      registrations,
      calls: callsOf(extension, calls),
      policy: null,
    }
    if (account.credentials.length + registrations.length + account.calls.length > 0) accounts.push(account)
  }
  return { product, accounts: accounts.sort(byExtension), foreign: foreign.sort() }
}

/**
 * Which of our credentials lets a phone in. Of an account that should be open: none while it is disabled. Of one that was
 * shut: a secret that we once gave out counts even while it is disabled, for it is one click away from working.
 */
function inForce(entry: BookEntry, looked: Looked, shown: string): PbxAccountInForce['credentials'] {
  const known = knownDigest(entry, shown)
  if (entry.credential !== null) {
    if (looked.enabled === false) return []
    const { id, generation } = known ?? entry.credential
    return [{ id, generation, digest: shown }]
  }
  if (known) return [{ ...known }]
  return looked.enabled === true ? [{ id: 'unknown', generation: 0, digest: shown }] : []
}

export function knownDigest(entry: BookEntry | undefined, digest: string): BookedCredential | undefined {
  const all = [...(entry?.credential ? [entry.credential] : []), ...(entry?.former ?? [])]
  return all.find((one) => one.digest === digest)
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
  return (await desk.list(signal))
    .filter((one) => !mayBeOurs(one, entries.get(one.extension)))
    .map(({ extension, displayName, email, facts }) => ({ extension, displayName, email, facts, obstacle: null }))
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

async function inLanes<T>(width: number, items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values()
  const lane = async () => {
    for (const item of rest) await work(item)
  }
  await Promise.all(Array.from({ length: width }, lane))
}
