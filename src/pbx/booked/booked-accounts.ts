import { isDeepStrictEqual } from 'node:util'
import { digestHa1 } from '../../domain/sip-account.ts'
import { AppError, asAppError } from '../../errors.ts'
import { type BookEntry, knownDigest, mayTakeOver } from '../account-book.ts'
import type { PbxAccount, PbxCredential } from '../pbx-driver.ts'
import { requireOneSecret, requireValidAccount } from '../valid-account.ts'
import { digestShown, lookAtListed } from './booked-state.ts'
import type { BookedPbx, Listed, Looked } from './extension-desk.ts'

/**
 * Brings extensions into the wanted state on a PBX that holds one secret for each. Whose an extension is, the book says;
 * an object that took the place of ours is somebody else's. Every change is looked at again: an answer of "yes" proves
 * nothing, and a setting that a change took along is written back.
 */
export async function applyBooked(pbx: BookedPbx, accounts: readonly PbxAccount[], signal: AbortSignal): Promise<void> {
  for (const account of accounts) {
    requireValidAccount(account)
    requireOneSecret(account)
    if (account.credentials.length > 0) pbx.requireFit?.(account)
  }
  const book = await pbx.book.read()
  const extensions = accounts.map(({ extension }) => extension)
  const found = Map.groupBy(await pbx.desk.find(extensions, signal), ({ extension }) => extension)
  const errors: AppError[] = []
  // Closings first: nobody's new phone is in a greater hurry than a leaver's old one.
  const inOrder = accounts.toSorted((one, other) => one.credentials.length - other.credentials.length)
  for (const account of inOrder) {
    const { extension } = account
    try {
      const [credential] = account.credentials
      const entry = book.get(extension)
      if (!credential && !entry) continue
      const objects = await lookAt(pbx, found.get(extension) ?? [], entry, signal)
      if (credential) await open(pbx, { account, credential, entry, objects }, signal)
      else if (entry) await shut(pbx, { extension, entry, objects }, signal)
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
  readonly objects: Objects
}

/** What has this number, usually one object: an import or a backup may have left a second one. */
interface Objects {
  /** The one that the book names first. */
  readonly ours: readonly Looked[]
  readonly others: readonly Looked[]
}

async function lookAt(
  { desk, realm }: BookedPbx,
  listed: readonly Listed[],
  entry: BookEntry | undefined,
  signal: AbortSignal,
): Promise<Objects> {
  const looked: Looked[] = []
  for (const listing of listed) {
    const one = await lookAtListed(desk, listing, signal)
    if (one) looked.push(one)
  }
  const isNamed = ({ objectId }: Looked) => Number(objectId === entry?.objectId)
  return {
    ours: looked.filter((one) => isOurs(entry, one, realm)).sort((one, other) => isNamed(other) - isNamed(one)),
    others: looked.filter((one) => !isOurs(entry, one, realm)),
  }
}

async function open(pbx: BookedPbx, { account, credential, entry, objects }: Opening, signal: AbortSignal) {
  const { desk, book, realm } = pbx
  const { extension } = account
  const digest = digestHa1(credential.username, realm, credential.secret)
  const [mine, ...twins] = objects.ours
  const [theirs, another] = objects.others
  if (!mine && theirs && !mayTakeOver(account, entry)) throw somebodyElses(extension)
  if (!mine && another) throw isTwice(extension)
  const before = mine ?? theirs ?? null
  const booked = { id: credential.id, generation: credential.generation, digest }
  const note = (objectId: string | null, renewedFor: string | undefined) =>
    book.note(new Map([[extension, { objectId, credential: booked, ...(renewedFor ? { renewedFor } : {}) }]]))
  if (before && !mine) await noteFormerHolder(pbx, extension, before)
  // The older secret of a twin opens the extension beside the newest.
  for (const twin of twins) await shutObject(pbx, extension, twin, entry, signal)
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
  { extension, entry, objects: { ours } }: { extension: string; entry: BookEntry; objects: Objects },
  signal: AbortSignal,
) {
  const { book, realm } = pbx
  const noteShut = (after: Looked | null) => {
    const objectId = after?.objectId ?? entry.objectId
    const shutDigest = after ? { shutDigest: digestShown(after, realm) } : {}
    return book.note(new Map([[extension, { objectId, credential: null, ...shutDigest }]]))
  }
  if (ours.length === 0) {
    // Deleted by hand, or deleted and made anew by somebody: there is nothing of ours left to shut.
    if (entry.credential !== null) await noteShut(null)
    return
  }
  // Shut already; a secret that somebody gave it since is to be told, not to be fought over.
  const open = ours.filter((one) => entry.credential !== null || isKnown(entry, one, realm))
  let named: Looked | null = null
  for (const one of open) {
    const after = await shutObject(pbx, extension, one, entry, signal)
    if (one === ours[0]) named = after
  }
  // Last: killed before this, it is shut once more, which does no harm.
  if (open.includes(ours[0]!)) await noteShut(named)
}

async function shutObject(
  pbx: BookedPbx,
  extension: string,
  before: Looked,
  entry: BookEntry | undefined,
  signal: AbortSignal,
): Promise<Looked | null> {
  const { desk, realm } = pbx
  await desk.shut(before, signal)
  const after = await desk.look(before.objectId, signal)
  if (after?.enabled === true) throw notTaken(`extension ${extension} is still enabled`)
  if (after && isKnown(entry, after, realm))
    throw notTaken(`extension ${extension} still has the secret that its phone knows`)
  if (after) await mendLosses(pbx, { extension, before, after, meant: [] }, signal)
  return after
}

/** Ours is what the book names, and what holds a secret that we noted: it may have come back under another id. */
function isOurs(entry: BookEntry | undefined, looked: Looked, realm: string): boolean {
  if (!entry) return false
  return entry.objectId === looked.objectId || isKnown(entry, looked, realm)
}

function isKnown(entry: BookEntry | undefined, looked: Looked, realm: string): boolean {
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
    hint: 'Ringfence changes nothing that is not its own. To take it over, offboard this person and bring them in with `ringfence adopt`; or choose another one; or, if nobody needs it, remove it there: Ringfence makes it anew',
  })
}

function isTwice(extension: string): AppError {
  return new AppError('PBX_REFUSED', `on the PBX, extension ${extension} is there more than once`, {
    hint: 'which one is meant cannot be told: remove all but one on the PBX',
  })
}
