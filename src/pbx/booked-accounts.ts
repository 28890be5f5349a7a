import { isDeepStrictEqual } from 'node:util'
import { digestHa1 } from '../domain/sip-account.ts'
import { AppError, asAppError } from '../errors.ts'
import type { AccountBook, BookEntry } from './account-book.ts'
import { digestShown, knownDigest } from './booked-state.ts'
import type { ExtensionDesk, Listed, Looked } from './extension-desk.ts'
import type { PbxAccount, PbxCredential } from './pbx-driver.ts'
import { requireValidAccount } from './valid-account.ts'

/**
 * Brings extensions into the wanted state on a PBX that holds one secret for each. Whose an extension is, the book says;
 * an object that took the place of ours is somebody else's. Every change is looked at again: an answer of "yes" proves
 * nothing, and a setting that a change took along is written back.
 */
export interface BookedPbx {
  readonly desk: ExtensionDesk
  readonly book: AccountBook
  readonly realm: string
  /** What more must hold for an account on this PBX. */
  readonly requireFit?: (account: PbxAccount) => void
}

export async function applyBooked(pbx: BookedPbx, accounts: readonly PbxAccount[], signal: AbortSignal): Promise<void> {
  for (const account of accounts) {
    requireValidAccount(account)
    if (account.credentials.length > 1) {
      throw new AppError('INVALID_INPUT', `extension ${account.extension} can have one secret on this PBX, not several`)
    }
    if (account.credentials.length > 0) pbx.requireFit?.(account)
  }
  const book = await pbx.book.read()
  const found = new Map(
    (
      await pbx.desk.find(
        accounts.map(({ extension }) => extension),
        signal,
      )
    ).map((one) => [one.extension, one]),
  )
  const errors: AppError[] = []
  // Closings first: nobody's new phone is in a greater hurry than a leaver's old one.
  const inOrder = accounts.toSorted((one, other) => one.credentials.length - other.credentials.length)
  for (const account of inOrder) {
    const { extension } = account
    try {
      const [credential] = account.credentials
      const [entry, seen] = [book.get(extension), found.get(extension)]
      if (credential) await open(pbx, { account, credential, entry, seen }, signal)
      else if (entry) await shut(pbx, { extension, entry, seen }, signal)
    } catch (error) {
      const told = asAppError(error)
      // Nobody answers: the others would each wait as long.
      if (told.code === 'PBX_UNREACHABLE') throw told
      errors.push(told)
    }
  }
  if (errors.length > 0) throw errors[0]
}

interface Opening {
  readonly account: PbxAccount
  readonly credential: PbxCredential
  readonly entry: BookEntry | undefined
  readonly seen: Listed | undefined
}

async function open(pbx: BookedPbx, { account, credential, entry, seen }: Opening, signal: AbortSignal) {
  const { desk, book, realm } = pbx
  const { extension } = account
  const digest = digestHa1(credential.username, realm, credential.secret)
  const before = seen ? await desk.look(seen.objectId, signal) : null
  if (before && !account.adopted && !isOurs(entry, before, realm)) throw somebodyElses(extension)
  const booked = { id: credential.id, generation: credential.generation, digest }
  const note = (objectId: string | null, renewedFor: string | undefined) =>
    book.note(new Map([[extension, { objectId, credential: booked, ...(renewedFor ? { renewedFor } : {}) }]]))
  if (before && !isOurs(entry, before, realm)) await noteFormerHolder(pbx, extension, before)
  // What we make anew has no former holder.
  await note(before?.objectId ?? null, before ? entry?.renewedFor : credential.id)
  const login = { username: credential.username, secret: credential.secret, maxContacts: account.maxContacts }
  if (!before) {
    const objectId = await desk.create({ extension, displayName: account.displayName, ...login }, signal)
    await note(objectId, credential.id)
    requireTaken(await desk.look(objectId, signal), digest, pbx, extension)
    return
  }
  if (before.enabled !== false && digestShown(before, realm) === digest) return
  if (entry?.renewedFor !== credential.id) {
    // Whoever had the extension before knows its web password, its voicemail PIN or a provisioning link.
    await desk.renewWaysIn(before.objectId, signal)
    await note(before.objectId, credential.id)
  }
  // One that was there before Ringfence keeps its name; one of ours may have had another owner.
  const displayName = account.adopted ? null : account.displayName
  await desk.open(before.objectId, { ...login, displayName }, signal)
  const after = await desk.look(before.objectId, signal)
  requireTaken(after, digest, pbx, extension)
  await mendLosses(pbx, { extension, before, after, meant: displayName === null ? [] : desk.nameSettings }, signal)
}

/** A backup from before it was taken over brings this secret back: then it is known, and shut. */
async function noteFormerHolder({ book, realm }: BookedPbx, extension: string, looked: Looked): Promise<void> {
  const credential = { id: 'before-ringfence', generation: 0, digest: digestShown(looked, realm) }
  await book.note(new Map([[extension, { objectId: looked.objectId, credential }]]))
}

async function shut(
  pbx: BookedPbx,
  { extension, entry, seen }: { extension: string; entry: BookEntry; seen: Listed | undefined },
  signal: AbortSignal,
) {
  const { desk, book, realm } = pbx
  const before = seen ? await desk.look(seen.objectId, signal) : null
  const holds = (looked: Looked) => knownDigest(entry, digestShown(looked, realm)) !== undefined
  const noteShut = (after: Looked | null) => {
    const objectId = after?.objectId ?? entry.objectId
    const shutDigest = after ? { shutDigest: digestShown(after, realm) } : {}
    return book.note(new Map([[extension, { objectId, credential: null, ...shutDigest }]]))
  }
  if (before === null || !isOurs(entry, before, realm)) {
    // Deleted by hand, or deleted and made anew by somebody: there is nothing of ours left to shut.
    if (entry.credential !== null) await noteShut(null)
    return
  }
  // Shut already; a secret that somebody gave it since is to be told, not to be fought over.
  if (entry.credential === null && !holds(before)) return
  await desk.shut(before, signal)
  const after = await desk.look(before.objectId, signal)
  if (after?.enabled === true) throw notTaken(`extension ${extension} is still enabled`)
  if (after && holds(after)) throw notTaken(`extension ${extension} still has the secret that its phone knows`)
  if (after) await mendLosses(pbx, { extension, before, after, meant: [] }, signal)
  // Last: killed before this, it is shut once more, which does no harm.
  await noteShut(after)
}

/** Ours is what the book names, and what holds a secret that we noted: it may have come back under another id. */
function isOurs(entry: BookEntry | undefined, looked: Looked, realm: string): boolean {
  if (!entry) return false
  if (entry.objectId === looked.objectId) return true
  return knownDigest(entry, digestShown(looked, realm)) !== undefined
}

function requireTaken(looked: Looked | null, digest: string, { realm }: BookedPbx, extension: string): void {
  if (looked === null) throw notTaken(`extension ${extension} is not there`)
  if (looked.enabled === false) throw notTaken(`extension ${extension} is still disabled`)
  if (digestShown(looked, realm) !== digest) throw notTaken(`extension ${extension} has another login or secret`)
}

interface Change {
  readonly extension: string
  readonly before: Looked
  readonly after: Looked | null
  /** Settings that were to change. */
  readonly meant: readonly string[]
}

async function mendLosses({ desk }: BookedPbx, change: Change, signal: AbortSignal): Promise<void> {
  const { extension, before } = change
  const lost = lossesOf(change)
  if (lost.length === 0) return
  await desk.restore(before.objectId, Object.fromEntries(lost.map((name) => [name, before.settings[name]])), signal)
  const left = lossesOf({ ...change, after: await desk.look(before.objectId, signal) })
  if (left.length === 0) return
  const what = `the change of extension ${extension} took other settings along: ${left.join(', ')}`
  throw new AppError('PBX_REFUSED', what, {
    hint: 'Ringfence tried to write them back and could not: set them on the PBX',
    retryable: true,
  })
}

function lossesOf({ before, after, meant }: Change): string[] {
  return Object.keys(before.settings).filter(
    (name) => !meant.includes(name) && !isDeepStrictEqual(before.settings[name], after?.settings[name]),
  )
}

function notTaken(what: string): AppError {
  return new AppError('PBX_REFUSED', `the PBX said yes to the change, but looked at again ${what}`, {
    hint: 'see its event log, and whether the API client may change extensions and see their passwords',
    retryable: true,
  })
}

function somebodyElses(extension: string): AppError {
  return new AppError('PBX_REFUSED', `on the PBX, extension ${extension} was there before and is not Ringfence's`, {
    hint: 'Ringfence changes nothing that it did not make: to take the extension over, offboard this person and bring them in with `ringfence adopt`; or choose another one',
  })
}
