import { type Kysely, sql } from 'kysely'
import { isPostgres } from '../schema.ts'
import { type Column, type Widened, widen } from './widen.ts'

/** The first tables allow four kinds of subject; an administrator's way into the console is a fifth. */
const subjectKinds = ['tunnel', 'certificate', 'sip-credential', 'phone-door', 'administrator']

const widened = [
  {
    name: 'verdict',
    column: 'subjectKind',
    values: subjectKinds,
    columns: {
      system: 'text',
      instance: 'text',
      subjectKind: 'text',
      subjectId: 'text',
      employeeId: 'text?',
      wanted: 'text',
      generation: 'integer',
      state: 'text',
      evidence: 'text?',
      problem: 'text?',
      hint: 'text?',
      nextTryAt: 'text?',
      attempts: 'integer',
      at: 'text',
      acknowledgedBy: 'text?',
      acknowledgedAt: 'text?',
    },
    allowed: { state: ['converged', 'retrying', 'waiting', 'unverifiable'], wanted: ['open', 'closed'] },
    indexes: [['employeeId'], ['subjectKind', 'subjectId'], ['state']],
  },
  {
    name: 'tombstone',
    column: 'kind',
    values: subjectKinds,
    columns: {
      kind: 'text',
      subjectId: 'text',
      employeeId: 'text?',
      closedAt: 'text',
      generation: 'integer',
      subject: 'text',
    },
    allowed: {},
    indexes: [['kind'], ['employeeId']],
  },
] satisfies readonly Widened[]

/** Who may sign in to the console, leaving dates that were set ahead, and mails. */
const tables: Readonly<Record<string, Readonly<Record<string, Column>>>> = {
  administrator: {
    name: 'text',
    email: 'text',
    role: 'text',
    passwordHash: 'text?',
    totpSealed: 'text?',
    totpConfirmedAt: 'text?',
    totpLastStep: 'integer',
    oidcIdentity: 'text?',
    createdAt: 'text',
    createdBy: 'text',
    disabledAt: 'text?',
  },
  session: {
    administratorId: 'text',
    tokenHash: 'text',
    level: 'text',
    how: 'text',
    createdAt: 'text',
    lastSeenAt: 'text',
    expiresAt: 'text',
    endedAt: 'text?',
    remoteAddress: 'text',
    userAgent: 'text?',
  },
  passkey: {
    administratorId: 'text',
    credentialId: 'text',
    publicKey: 'text',
    counter: 'integer',
    label: 'text',
    createdAt: 'text',
    lastUsedAt: 'text?',
    removedAt: 'text?',
  },
  setupLink: {
    tokenHash: 'text',
    purpose: 'text',
    administratorId: 'text?',
    createdAt: 'text',
    expiresAt: 'text',
    usedAt: 'text?',
  },
  leaving: {
    employeeId: 'text',
    at: 'text',
    reason: 'text?',
    askedBy: 'text',
    createdAt: 'text',
    remindedAt: 'text?',
    cancelledAt: 'text?',
    doneAt: 'text?',
  },
  mail: {
    employeeId: 'text',
    kind: 'text',
    recipient: 'text',
    language: 'text',
    linkSealed: 'text?',
    expiresAt: 'text',
    state: 'text',
    attempts: 'integer',
    nextTryAt: 'text',
    lastProblem: 'text?',
    createdAt: 'text',
    sentAt: 'text?',
  },
}

const unique: readonly { name: string; table: string; column: string; live?: string }[] = [
  { name: 'administratorEmail', table: 'administrator', column: 'email', live: 'disabledAt' },
  { name: 'sessionToken', table: 'session', column: 'tokenHash' },
  { name: 'passkeyCredential', table: 'passkey', column: 'credentialId' },
  { name: 'setupLinkToken', table: 'setupLink', column: 'tokenHash' },
]

const indexes: readonly (readonly [table: string, ...columns: string[]])[] = [
  ['session', 'administratorId'],
  ['passkey', 'administratorId'],
  ['leaving', 'employeeId'],
  ['leaving', 'at'],
  ['mail', 'employeeId'],
  ['mail', 'state', 'nextTryAt'],
]

export async function up(db: Kysely<unknown>): Promise<void> {
  const postgres = isPostgres(db)
  for (const table of widened) await widen(db, table)
  // Byte order in both databases, as in the first tables.
  const text = postgres ? sql`text collate "C"` : sql`text`
  for (const [name, columns] of Object.entries(tables)) {
    let table = db.schema.createTable(name).addColumn('id', text, (column) => column.notNull().primaryKey())
    for (const [column, kind] of Object.entries(columns)) {
      table = table.addColumn(column, kind === 'integer' ? 'integer' : text, (built) =>
        kind === 'text?' ? built : built.notNull(),
      )
    }
    await (postgres ? table : table.modifyEnd(sql`strict`)).execute()
  }
  for (const { name, table, column, live } of unique) {
    const index = db.schema.createIndex(name).on(table).column(column).unique()
    await (live === undefined ? index : index.where(sql.ref(live), 'is', null)).execute()
  }
  for (const [table, ...columns] of indexes) {
    await db.schema
      .createIndex(`${table}By_${columns.join('_')}`)
      .on(table)
      .columns(columns)
      .execute()
  }
}
