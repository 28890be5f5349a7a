import { type Kysely, sql } from 'kysely'
import { isPostgres } from '../schema.ts'

/**
 * The first tables. Frozen once released: later changes are later files.
 * Columns carry the domain's names. Times are ISO text, so comparison in the database is comparison in time.
 */
type Column = 'text' | 'text?' | 'integer' | 'integer?'

const tables: Readonly<Record<string, Readonly<Record<string, Column>>>> = {
  site: { name: 'text' },
  pbx: {
    siteId: 'text',
    name: 'text',
    driver: 'text',
    address: 'text?',
    host: 'text?',
    port: 'integer',
    mtlsPort: 'integer',
    rtpFrom: 'integer',
    rtpTo: 'integer',
    realm: 'text',
  },
  hub: {
    siteId: 'text',
    name: 'text',
    interface: 'text',
    endpoint: 'text?',
    listenPort: 'integer',
    subnets: 'text',
    phoneSubnets: 'text',
    publicKey: 'text?',
  },
  employee: {
    siteId: 'text',
    name: 'text',
    email: 'text',
    lifecycle: 'text',
    generation: 'integer',
    createdAt: 'text',
    offboardRequestedAt: 'text?',
    offboardRequestedBy: 'text?',
    offboardReason: 'text?',
    offboardedAt: 'text?',
    leaverFile: 'text?',
  },
  assignment: { employeeId: 'text', pbxId: 'text', extension: 'text', fromAt: 'text', untilAt: 'text?' },
  gateway: { employeeId: 'text', kind: 'text', createdAt: 'text', removedAt: 'text?' },
  handset: {
    employeeId: 'text',
    assignmentId: 'text',
    gatewayId: 'text?',
    model: 'text',
    mac: 'text?',
    doorGeneration: 'integer',
    enrolTokenHash: 'text?',
    enrolExpiresAt: 'text?',
    steadyTokenHash: 'text?',
    enrolledAt: 'text?',
    createdAt: 'text',
    removedAt: 'text?',
  },
  tunnel: {
    hubId: 'text',
    carrierKind: 'text',
    carrierId: 'text',
    keyOrigin: 'text',
    publicKey: 'text?',
    nextPublicKey: 'text?',
    privateKeySealed: 'text?',
    keyWindowEndsAt: 'text?',
    presharedKeySealed: 'text?',
    generation: 'integer',
    firstHandshakeAt: 'text?',
    lastHandshakeAt: 'text?',
    createdAt: 'text',
    closedAt: 'text?',
  },
  tunnelAddress: {
    tunnelId: 'text',
    hubId: 'text',
    prefix: 'text',
    purpose: 'text',
    allottedAt: 'text',
    releasedAt: 'text?',
  },
  certificate: {
    handsetId: 'text',
    serial: 'text',
    notBefore: 'text',
    notAfter: 'text',
    certificate: 'text',
    privateKeySealed: 'text?',
    createdAt: 'text',
    revokedAt: 'text?',
  },
  sipCredential: {
    assignmentId: 'text',
    handsetId: 'text?',
    username: 'text',
    secretSealed: 'text?',
    generation: 'integer',
    createdAt: 'text',
    closedAt: 'text?',
  },
  invite: { employeeId: 'text', tokenHash: 'text', createdAt: 'text', expiresAt: 'text', closedAt: 'text?' },
  verdict: {
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
  tombstone: {
    kind: 'text',
    subjectId: 'text',
    employeeId: 'text?',
    closedAt: 'text',
    generation: 'integer',
    subject: 'text',
  },
  apiToken: {
    label: 'text',
    role: 'text',
    tokenHash: 'text',
    createdAt: 'text',
    createdBy: 'text',
    lastUsedAt: 'text?',
    revokedAt: 'text?',
  },
  outbox: {
    dedupeKey: 'text',
    kind: 'text',
    payload: 'text',
    createdAt: 'text',
    deliveredAt: 'text?',
    attempts: 'integer',
    nextTryAt: 'text',
    lastProblem: 'text?',
  },
  doorFetch: {
    at: 'text',
    handsetId: 'text?',
    employeeId: 'text?',
    remoteAddress: 'text',
    userAgent: 'text?',
    fileName: 'text?',
    outcome: 'text',
    reason: 'text',
    contentHash: 'text?',
  },
  importRun: {
    createdAt: 'text',
    createdBy: 'text',
    total: 'integer',
    done: 'integer',
    finishedAt: 'text?',
    state: 'text',
  },
  setting: { value: 'text' },
  auditEvent: {
    position: 'integer',
    at: 'text',
    kind: 'text',
    employeeId: 'text?',
    subjectId: 'text?',
    commitment: 'text',
    previousHash: 'text',
    hash: 'text',
  },
  auditDetail: { salt: 'text', detail: 'text' },
  counter: { value: 'integer' },
  lease: { token: 'integer', host: 'text?', pid: 'integer?', startedAt: 'text?', expiresAt: 'text?' },
}

// Checked at the commit, so that a transaction may write its rows in any order.
const references: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  pbx: { siteId: 'site' },
  hub: { siteId: 'site' },
  employee: { siteId: 'site' },
  assignment: { employeeId: 'employee', pbxId: 'pbx' },
  gateway: { employeeId: 'employee' },
  handset: { employeeId: 'employee', assignmentId: 'assignment', gatewayId: 'gateway' },
  tunnel: { hubId: 'hub' },
  tunnelAddress: { tunnelId: 'tunnel', hubId: 'hub' },
  certificate: { handsetId: 'handset' },
  sipCredential: { assignmentId: 'assignment', handsetId: 'handset' },
  invite: { employeeId: 'employee' },
  auditDetail: { eventId: 'auditEvent' },
}

const subjectKinds = ['tunnel', 'certificate', 'sip-credential', 'phone-door']

const allowed: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  employee: { lifecycle: ['active', 'offboarding', 'offboarded'] },
  tunnel: { carrierKind: ['handset', 'gateway'], keyOrigin: ['server', 'browser', 'device'] },
  tunnelAddress: { purpose: ['carrier', 'phones'] },
  verdict: {
    state: ['converged', 'retrying', 'waiting', 'unverifiable'],
    wanted: ['open', 'closed'],
    subjectKind: subjectKinds,
  },
  tombstone: { kind: subjectKinds },
  apiToken: { role: ['owner', 'admin', 'helpdesk', 'auditor'] },
}

/** `live`: the column that is null while a row counts; the rule holds among those rows only. */
const unique: readonly { name: string; table: string; columns: readonly string[]; live?: string }[] = [
  { name: 'assignmentLiveExtension', table: 'assignment', columns: ['pbxId', 'extension'], live: 'untilAt' },
  { name: 'handsetLiveMac', table: 'handset', columns: ['mac'], live: 'removedAt' },
  { name: 'handsetEnrolToken', table: 'handset', columns: ['enrolTokenHash'] },
  { name: 'handsetSteadyToken', table: 'handset', columns: ['steadyTokenHash'] },
  { name: 'tunnelLiveKey', table: 'tunnel', columns: ['publicKey'], live: 'closedAt' },
  { name: 'tunnelLiveNextKey', table: 'tunnel', columns: ['nextPublicKey'], live: 'closedAt' },
  { name: 'tunnelAddressLivePrefix', table: 'tunnelAddress', columns: ['hubId', 'prefix'], live: 'releasedAt' },
  { name: 'certificateSerial', table: 'certificate', columns: ['serial'] },
  {
    name: 'sipCredentialLiveUsername',
    table: 'sipCredential',
    columns: ['assignmentId', 'username'],
    live: 'closedAt',
  },
  { name: 'inviteToken', table: 'invite', columns: ['tokenHash'] },
  { name: 'apiTokenHash', table: 'apiToken', columns: ['tokenHash'] },
  { name: 'outboxDedupeKey', table: 'outbox', columns: ['dedupeKey'] },
  { name: 'auditEventPosition', table: 'auditEvent', columns: ['position'] },
]

/** For looking up; the order of columns is the order of the questions. */
const indexes: readonly (readonly [table: string, ...columns: string[]])[] = [
  ['employee', 'email'],
  ['employee', 'lifecycle'],
  ['assignment', 'employeeId'],
  ['assignment', 'extension'],
  ['gateway', 'employeeId'],
  ['handset', 'employeeId'],
  ['handset', 'assignmentId'],
  ['handset', 'gatewayId'],
  ['tunnel', 'carrierId'],
  ['tunnel', 'closedAt'],
  ['tunnelAddress', 'tunnelId'],
  ['tunnelAddress', 'hubId', 'releasedAt'],
  ['certificate', 'handsetId'],
  ['certificate', 'revokedAt'],
  ['sipCredential', 'assignmentId'],
  ['sipCredential', 'handsetId'],
  ['sipCredential', 'closedAt'],
  ['invite', 'employeeId'],
  ['verdict', 'employeeId'],
  ['verdict', 'subjectKind', 'subjectId'],
  ['verdict', 'state'],
  ['tombstone', 'kind'],
  ['tombstone', 'employeeId'],
  ['outbox', 'deliveredAt', 'nextTryAt'],
  ['doorFetch', 'handsetId', 'id'],
  ['doorFetch', 'employeeId'],
  ['doorFetch', 'at'],
  ['auditEvent', 'employeeId', 'position'],
  ['auditEvent', 'subjectId'],
]

type AnyDatabase = Kysely<Record<string, Record<string, string | number | null>>>

export async function up(db: AnyDatabase): Promise<void> {
  for (const [name, columns] of Object.entries(tables)) await createTable(db, name, columns)
  for (const { name, table, columns, live } of unique) {
    const index = db.schema
      .createIndex(name)
      .on(table)
      .columns([...columns])
      .unique()
    await (live === undefined ? index : index.where(live, 'is', null)).execute()
  }
  // A person who left may come back with the same address, as a new employee.
  await db.schema
    .createIndex('employeePresentEmail')
    .on('employee')
    .column('email')
    .unique()
    .where(sql.ref('lifecycle'), '<>', sql.lit('offboarded'))
    .execute()
  for (const [table, ...columns] of indexes) {
    await db.schema
      .createIndex(`${table}By_${columns.join('_')}`)
      .on(table)
      .columns(columns)
      .execute()
  }
}

async function createTable(db: AnyDatabase, name: string, columns: Readonly<Record<string, Column>>): Promise<void> {
  const postgres = isPostgres(db)
  // Byte order in both databases: ids sort the same whatever the cluster's locale is.
  const text = postgres ? sql`text collate "C"` : sql`text`
  const key: string = name === 'auditDetail' ? 'eventId' : 'id'
  let table = db.schema.createTable(name).addColumn(key, text, (column) => column.notNull().primaryKey())
  for (const [column, kind] of Object.entries(columns)) {
    table = table.addColumn(column, kind.startsWith('text') ? text : 'integer', (built) =>
      kind.endsWith('?') ? built : built.notNull(),
    )
  }
  for (const [column, values] of Object.entries(allowed[name] ?? {})) {
    const list = sql.join(values.map((value) => sql.lit(value)))
    table = table.addCheckConstraint(`${name}_${column}_allowed`, sql`${sql.ref(column)} in (${list})`)
  }
  for (const [column, target] of Object.entries(references[name] ?? {})) {
    table = table.addForeignKeyConstraint(`${name}_${column}_exists`, [column], target, ['id'], (constraint) =>
      constraint.deferrable().initiallyDeferred(),
    )
  }
  await (postgres ? table : table.modifyEnd(sql`strict`)).execute()
}
