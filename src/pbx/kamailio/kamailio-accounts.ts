import { policyText } from '../../domain/call-policy.ts'
import { digestHa1, parseExtension } from '../../domain/sip-account.ts'
import { callerName } from '../caller-name.ts'
import type { ExistingExtension, PbxAccount } from '../pbx-driver.ts'
import { requireValidAccount } from '../valid-account.ts'
import { type Change, type CredentialRow, type Database, hasSubscribers, newMark } from './kamailio-tables.ts'

/** The rows of our extensions and what they should be. */

export interface Written {
  /** What Kamailio must show when it reads the same database. */
  readonly mark: string
  /** Extensions that belong to somebody else and stayed as they are. */
  readonly taken: readonly string[]
}

export interface WriteSettings {
  readonly realm: string
  /** `planText`; null: nobody has said what dialled numbers mean. */
  readonly plan: string | null
  /** False: call classes stay as they are, and whoever is new and has one waits. */
  readonly classes: boolean
}

/** One transaction: after a crash there is all of it or nothing. */
export async function writeAccounts(
  database: Database,
  accounts: readonly PbxAccount[],
  settings: WriteSettings,
): Promise<Written> {
  const wanted = accounts.map((account) => ({ account, rows: rowsOf(account, settings) }))
  const subscribers = await hasSubscribers(database)
  return database.transaction().execute(async (change) => {
    const taken: string[] = []
    let changed = await writePlan(change, settings.plan)
    for (const { account, rows: chosen } of wanted) {
      const { extension } = account
      const present = await change
        .selectFrom('ringfence_credential')
        .selectAll()
        .where('extension', '=', extension)
        .execute()
      const hold = account.policy !== null && chosen.length > 0 && !settings.classes
      // Whoever is there must not keep an old secret because of it.
      if (hold && present.length === 0) continue
      const rows = hold ? chosen.map((row) => ({ ...row, policy: present[0]!.policy })) : chosen
      const others = subscribers && rows.length > 0 ? await foreignRows(change, extension) : []
      if (others.length > 0) {
        // Taken over once, while nothing of ours is there: what comes later, or is another one's, nobody gave to Ringfence.
        const [only, another] = others
        if (!account.adopted || present.length > 0 || another !== undefined) {
          taken.push(extension)
          continue
        }
        await change
          .deleteFrom('subscriber')
          .where('username', '=', extension)
          .where('domain', '=', only!.domain)
          .execute()
        changed = true
      }
      changed = (await replaceRows(change, present, rows)) || changed
    }
    if (changed) await change.updateTable('ringfence_mark').set({ mark: newMark() }).where('id', '=', 1).execute()
    return { mark: await readMark(change), taken }
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
    mark: await readMark(look),
    rows: await look.selectFrom('ringfence_credential').selectAll().orderBy('username').execute(),
    foreign: subscribers
      ? await look.selectFrom('subscriber').select(['username', 'domain']).orderBy('username').execute()
      : [],
  }))
}

/** Rows of `subscriber`; those whose name is no extension too, so that nobody thinks them gone. */
export async function existingExtensions(database: Database): Promise<readonly ExistingExtension[]> {
  if (!(await hasSubscribers(database))) return []
  const rows = await database.selectFrom('subscriber').select(['username', 'domain']).orderBy('username').execute()
  const named = Map.groupBy(rows, ({ username }) => username)
  return [...named].map(([extension, all]) => ({
    extension,
    displayName: null,
    email: null,
    facts: { table: 'subscriber', domain: all.map(({ domain }) => domain).join(', ') },
    obstacle: !isExtension(extension)
      ? 'it is not an extension: Ringfence takes 2 to 15 digits'
      : all.length > 1
        ? `it is in ${all.length} domains, and Ringfence tells extensions apart by their number alone: remove all but one row`
        : null,
  }))
}

const isExtension = (name: string) => parseExtension(name).ok

/** @throws AppError INVALID_INPUT when a value could mean something else to the script. */
function rowsOf(account: PbxAccount, { realm }: WriteSettings): readonly CredentialRow[] {
  const { extension, maxContacts, credentials } = account
  requireValidAccount(account)
  return credentials.map(({ id, generation, username, secret }) => ({
    username,
    ha1: digestHa1(username, realm, secret),
    extension,
    display_name: callerName(account.displayName),
    credential_id: id,
    generation,
    max_contacts: maxContacts,
    policy: policyText(account.policy),
  }))
}

async function writePlan(change: Change, plan: string | null): Promise<boolean> {
  if (plan === null) return false
  const present = await change.selectFrom('ringfence_plan').select('plan').where('id', '=', 1).executeTakeFirst()
  if (present?.plan === plan) return false
  await change
    .insertInto('ringfence_plan')
    .values({ id: 1, plan })
    .onConflict((conflict) => conflict.column('id').doUpdateSet({ plan }))
    .execute()
  return true
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

/** Rows that others made for this extension, one for each domain. */
function foreignRows(change: Change, extension: string) {
  return change.selectFrom('subscriber').select('domain').where('username', '=', extension).execute()
}

/** The one row that `makeTables` made. */
export async function readMark(database: Database): Promise<string> {
  const { mark } = await database
    .selectFrom('ringfence_mark')
    .select('mark')
    .where('id', '=', 1)
    .executeTakeFirstOrThrow()
  return mark
}
