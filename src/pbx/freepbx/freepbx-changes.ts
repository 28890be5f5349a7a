import { randomBytes } from 'node:crypto'
import { Secret } from '../../domain/secret.ts'
import { digestHa1 } from '../../domain/sip-account.ts'
import { AppError } from '../../errors.ts'
import { type AccountBook, type BookEntry, knownDigest, mayTakeOver } from '../account-book.ts'
import { withAmi } from '../asterisk/ami-connection.ts'
import type { PbxAccount } from '../pbx-driver.ts'
import { requireOneSecret, requireValidAccount } from '../valid-account.ts'
import type { FreepbxApi } from './freepbx-api.ts'
import { addExtension, deleteExtension, type FreepbxExtension, fetchExtension } from './freepbx-extension.ts'
import type { FreepbxOptions } from './freepbx-options.ts'
import { type Snapshot, setPassword } from './freepbx-password.ts'
import type { ConfigApplier } from './freepbx-reload.ts'
import { type Login, readLogins, shutId } from './freepbx-state.ts'

export interface Workshop {
  readonly options: FreepbxOptions
  readonly api: FreepbxApi
  readonly book: AccountBook
  readonly applyConfig: ConfigApplier
  /** By extension: those of which not everything was compared yet. */
  readonly snapshots: Map<string, Snapshot>
  readonly signal: AbortSignal
}

/** One extension after it was dealt with in FreePBX's database. */
export interface Change {
  readonly extension: string
  /** What must open it in the running Asterisk from the next "Apply Config" on; null: nothing, it is gone. */
  readonly digest: string | null
  /** Null: nothing was changed, or what was is gone. */
  readonly before: Snapshot | null
  /** Settings that could not be put back. */
  readonly lost: readonly string[]
}

/** Opens the extension with this account's one credential, whoever made it. */
export async function openExtension(
  workshop: Workshop,
  account: PbxAccount,
  { entry, isThere }: { entry: BookEntry | undefined; isThere: boolean },
): Promise<Change> {
  const { api, book, options, signal } = workshop
  const { extension } = account
  const { id, generation, username, secret } = account.credentials[0]!
  const credential = { id, generation, digest: digestHa1(username, options.realm, secret) }
  const present = isThere ? await fetchExtension(api, extension, signal) : null
  const kind = present ? ownership(present, entry, options.realm) : 'ours'
  if (kind === 'somebody-elses' && !mayTakeOver(account, entry)) throw notOurs(extension)
  let known: BookEntry = entry ?? { objectId: null, origin: 'adopted', credential: null }
  if (present && kind === 'somebody-elses') {
    // A backup from before it was taken over brings this secret back: then it is known, and shut.
    const digest = digestOf(present, options.realm)
    known = { objectId: null, origin: 'adopted', credential: null }
    if (digest) {
      const before = { id: 'before-ringfence', generation: 0, digest }
      await book.note(new Map([[extension, { ...known, credential: before }]]))
    }
  }
  if (!present) {
    const makingName = `Ringfence ${randomBytes(8).toString('hex')}`
    known = { objectId: null, origin: 'being-made', credential: null, makingName }
    await book.note(new Map([[extension, known]]))
    try {
      await addExtension(api, { ...account, displayName: makingName }, signal)
    } catch (error) {
      // Made by somebody else since we looked: it must not pass for ours at the next try.
      if (error instanceof AppError && /already in use/i.test(error.message))
        await book.note(new Map([[extension, gone]]))
      throw error
    }
  }
  const isNew = known.origin === 'being-made'
  const origin = isNew ? 'made' : known.origin
  // With the name still noted: killed before it was renamed, it is ours by that, too.
  await book.note(new Map([[extension, { ...known, origin, credential }]]))
  const changed = await setPassword(workshop, account, {
    secret,
    rename: isNew || present?.user?.name === known.makingName,
  })
  if (known.makingName !== undefined) await book.note(new Map([[extension, { objectId: null, origin, credential }]]))
  return { extension, digest: credential.digest, ...changed }
}

/**
 * What Ringfence made goes. What was there before it keeps its place in groups, and gets a secret that
 * nobody knows.
 */
export async function shutExtension(workshop: Workshop, account: PbxAccount, entry: BookEntry): Promise<Change | null> {
  const { api, book, options, signal } = workshop
  const { extension } = account
  const present = await fetchExtension(api, extension, signal)
  if (ownership(present, entry, options.realm) === 'somebody-elses') {
    // Shut or gone before, and now somebody's: to be told, not to be fought over.
    if (entry.origin === 'being-made') await book.note(new Map([[extension, gone]]))
    if (entry.credential === null || entry.credential.id === shutId) return null
    throw notOurs(extension)
  }
  if (entry.origin !== 'adopted') {
    await deleteExtension(api, extension, signal)
    workshop.snapshots.delete(extension)
    return { extension, digest: null, before: null, lost: [] }
  }
  if (entry.credential?.id === shutId && digestOf(present, options.realm) === entry.credential.digest) {
    // Shut before; whether that is in force is looked at like every other change.
    workshop.snapshots.delete(extension)
    return { extension, digest: entry.credential.digest, before: null, lost: [] }
  }
  const secret = new Secret(randomBytes(24).toString('hex'))
  const credential = { id: shutId, generation: 0, digest: digestHa1(extension, options.realm, secret) }
  await book.note(new Map([[extension, { ...entry, credential }]]))
  return { extension, digest: credential.digest, ...(await setPassword(workshop, account, { secret, rename: false })) }
}

/** Those whose running state is not yet what the change asked for. */
export function notInForce(
  changes: readonly Change[],
  logins: ReadonlyMap<string, readonly Login[]>,
): readonly Change[] {
  return changes.filter(({ extension, digest }) => {
    const running = logins.get(extension)
    if (digest === null) return running !== undefined
    return running?.length !== 1 || running[0]?.digest !== digest
  })
}

/**
 * What the running Asterisk was seen without: whoever makes an extension of this number from now on made it, unless it
 * holds one of our old secrets. Those are kept, since a backup brings one back.
 */
export async function forgetGone({ book }: Workshop, changes: readonly Change[]): Promise<void> {
  const without = changes.filter(({ digest }) => digest === null)
  if (without.length === 0) return
  const noted = await book.read()
  // One that was taken over is not Ringfence's to delete when a backup brings it back.
  const left = (extension: string): BookEntry =>
    noted.get(extension)?.origin === 'adopted' ? { ...gone, origin: 'adopted' } : gone
  await book.note(new Map(without.map(({ extension }) => [extension, left(extension)])))
}

/** The book adds the old secrets. */
const gone: BookEntry = { objectId: null, origin: 'made', credential: null }

/**
 * FreePBX gives an extension no identity beside its number, and an `updateExtension` or a deletion asks nobody: what holds
 * none of our secrets was changed or made anew by somebody since, and is theirs.
 */
function ownership(present: FreepbxExtension, entry: BookEntry | undefined, realm: string): 'ours' | 'somebody-elses' {
  if (entry?.makingName !== undefined && present.user?.name === entry.makingName) return 'ours'
  const digest = digestOf(present, realm)
  return digest !== null && knownDigest(entry, digest) ? 'ours' : 'somebody-elses'
}

function digestOf({ extensionId, user }: FreepbxExtension, realm: string): string | null {
  const password = user?.extPassword
  return typeof password === 'string' && password !== '' ? digestHa1(extensionId, realm, new Secret(password)) : null
}

function notOurs(extension: string): AppError {
  return new AppError('PBX_REFUSED', `on FreePBX, extension ${extension} has a password that is somebody else's`, {
    hint: 'Ringfence changes nothing that is not its own: see whose it is. If nobody needs it, remove it in FreePBX and press "Apply Config": Ringfence makes it anew. If it was there before Ringfence, offboard this person and bring them in with `ringfence adopt`',
    retryable: true,
  })
}

export function readRunning({ options, signal }: Workshop): Promise<ReadonlyMap<string, readonly Login[]>> {
  return withAmi(options.manager, signal, (session) => readLogins(session, options.realm))
}

/** @throws AppError INVALID_INPUT for what FreePBX would write into pjsip.auth.conf with another meaning. */
export function requireValidFreepbxAccount(account: PbxAccount): void {
  requireValidAccount(account)
  requireOneSecret(account)
  const { extension, credentials } = account
  const invalid = (what: string, value: string) =>
    new AppError('INVALID_INPUT', `${JSON.stringify(value.slice(0, 80))} cannot be used as ${what} on FreePBX`)
  for (const { id, username, secret } of credentials) {
    if (id === shutId) throw invalid('credential id', id)
    // It has no field for another one.
    if (username !== extension) throw invalid(`the login name of extension ${extension}`, username)
    if (!/^[A-Za-z0-9_-]{8,64}$/.test(secret.reveal()))
      throw new AppError('INVALID_INPUT', `the password for extension ${extension} holds what FreePBX cannot keep`)
  }
}
