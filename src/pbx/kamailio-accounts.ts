import { randomBytes } from 'node:crypto'
import { policyText } from '../domain/call-policy.ts'
import { digestHa1, parseExtension } from '../domain/sip-account.ts'
import { AppError } from '../errors.ts'
import { type Change, type CredentialRow, type Database, hasSubscribers } from './kamailio-tables.ts'
import type { ExistingExtension, PbxAccount } from './pbx-driver.ts'

/** The rows of our extensions and what they should be. */

export interface Written {
  /** What Kamailio must show when it reads the same database. */
  readonly mark: string
  /** Extensions that belong to somebody else and stayed as they are. */
  readonly taken: readonly string[]
}

/** One transaction: after a crash there is all of it or nothing. */
export async function writeAccounts(
  database: Database,
  accounts: readonly PbxAccount[],
  settings: { readonly realm: string; readonly classes: boolean },
): Promise<Written> {
  const wanted = accounts.map((account) => ({ account, rows: rowsOf(account, settings) }))
  const subscribers = await hasSubscribers(database)
  return database.transaction().execute(async (change) => {
    const taken: string[] = []
    let changed = false
    for (const { account, rows } of wanted) {
      const { extension } = account
      const present = await change
        .selectFrom('ringfence_credential')
        .selectAll()
        .where('extension', '=', extension)
        .execute()
      if (subscribers && rows.length > 0 && (await isForeign(change, extension))) {
        if (!account.adopted) {
          taken.push(extension)
          continue
        }
        await change.deleteFrom('subscriber').where('username', '=', extension).execute()
        changed = true
      }
      changed = (await replaceRows(change, present, rows)) || changed
    }
    return { mark: await markOf(change, changed), taken }
  })
}

export async function readRows(database: Database): Promise<{
  readonly mark: string
  readonly rows: readonly CredentialRow[]
  readonly foreign: readonly { readonly username: string; readonly domain: string }[]
}> {
  const subscribers = await hasSubscribers(database)
  // One moment for all three.
  return database.transaction().execute(async (look) => ({
    mark: await markOf(look, false),
    rows: await look.selectFrom('ringfence_credential').selectAll().orderBy('username').execute(),
    foreign: subscribers
      ? await look.selectFrom('subscriber').select(['username', 'domain']).orderBy('username').execute()
      : [],
  }))
}

/** Rows of `subscriber` whose name can be dialled. */
export async function existingExtensions(database: Database): Promise<readonly ExistingExtension[]> {
  if (!(await hasSubscribers(database))) return []
  const rows = await database.selectFrom('subscriber').select(['username', 'domain']).orderBy('username').execute()
  const named = Map.groupBy(
    rows.filter(({ username }) => parseExtension(username).ok),
    ({ username }) => username,
  )
  return [...named].map(([extension, all]) => ({
    extension,
    displayName: null,
    email: null,
    facts: { table: 'subscriber', domain: all.map(({ domain }) => domain).join(', ') },
    obstacle:
      all.length > 1
        ? `it is in ${all.length} domains, and Ringfence tells extensions apart by their number alone: remove all but one row`
        : null,
  }))
}

/** @throws AppError INVALID_INPUT when a value could mean something else to the script. */
function rowsOf(
  account: PbxAccount,
  { realm, classes }: { readonly realm: string; readonly classes: boolean },
): readonly CredentialRow[] {
  const { extension, maxContacts, credentials } = account
  if (!parseExtension(extension).ok || extension !== extension.trim()) throw invalid('extension', extension)
  if (!Number.isInteger(maxContacts) || maxContacts < 1 || maxContacts > 20)
    throw invalid('number of devices', String(maxContacts))
  if (new Set(credentials.map(({ id }) => id)).size !== credentials.length)
    throw new AppError('INVALID_INPUT', `extension ${extension} lists the same credential twice`)
  return credentials.map(({ id, generation, username, secret }) => {
    if (!/^[A-Za-z0-9-]{1,64}$/.test(id)) throw invalid('credential id', id)
    if (!Number.isSafeInteger(generation) || generation < 0) throw invalid('generation', String(generation))
    if (!/^[A-Za-z0-9._-]{1,64}$/.test(username)) throw invalid('user name', username)
    if (secret.reveal() === '') throw new AppError('INVALID_INPUT', 'an empty secret is no secret')
    return {
      username,
      ha1: digestHa1(username, realm, secret),
      extension,
      credential_id: id,
      generation,
      max_contacts: maxContacts,
      policy: classes ? policyText(account.policy) : 'none',
    }
  })
}

async function replaceRows(
  change: Change,
  present: readonly CredentialRow[],
  wanted: readonly CredentialRow[],
): Promise<boolean> {
  const key = (row: CredentialRow) => JSON.stringify(Object.entries(row).sort())
  const kept = new Set(present.map(key).filter((one) => wanted.some((row) => key(row) === one)))
  const old = present.filter((row) => !kept.has(key(row)))
  const fresh = wanted.filter((row) => !kept.has(key(row)))
  for (const { username } of old)
    await change.deleteFrom('ringfence_credential').where('username', '=', username).execute()
  if (fresh.length > 0)
    await change
      .insertInto('ringfence_credential')
      .values([...fresh])
      .execute()
  return old.length > 0 || fresh.length > 0
}

async function isForeign(change: Change, extension: string): Promise<boolean> {
  const row = await change
    .selectFrom('subscriber')
    .select('username')
    .where('username', '=', extension)
    .executeTakeFirst()
  return row !== undefined
}

/** A new one with every change, and when there is none yet. */
async function markOf(change: Change, renew: boolean): Promise<string> {
  const row = await change.selectFrom('ringfence_mark').select('mark').where('id', '=', 1).executeTakeFirst()
  if (row && !renew) return row.mark
  const mark = randomBytes(8).toString('hex')
  if (row) await change.updateTable('ringfence_mark').set({ mark }).where('id', '=', 1).execute()
  else await change.insertInto('ringfence_mark').values({ id: 1, mark }).execute()
  return mark
}

function invalid(what: string, value: string): AppError {
  return new AppError('INVALID_INPUT', `${JSON.stringify(value.slice(0, 80))} cannot be used as ${what} on Kamailio`)
}
