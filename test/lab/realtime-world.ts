import { chmodSync, mkdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { asteriskDriver } from '../../src/pbx/asterisk/asterisk.ts'
import { folderOf } from '../../src/pbx/asterisk/asterisk-options.ts'
import { realtimeWriter } from '../../src/pbx/asterisk/asterisk-realtime.ts'
import type { PbxDatabase } from '../../src/pbx/pbx-database.ts'
import type { PbxWorld } from '../contracts/pbx-hand.ts'
import { germany } from '../fixtures/dialled-numbers.ts'
import { type AsteriskLab, type AsteriskLabOptions, startAsterisk } from './asterisk.ts'
import { asteriskBut } from './asterisk-whole.ts'
import { outboundEndpoint, worldOn } from './asterisk-world.ts'
import { startPostgres } from './postgres.ts'
import { foreignRows, realtimeSchema, type SchemaKind } from './realtime-schema.ts'

export interface RealtimeOptions extends SchemaKind {
  /** Lines of [res_pjsip] in sorcery.conf that stand before the tables. */
  readonly caches?: string
  /** Registrations are kept in ps_contacts. */
  readonly contacts?: boolean
}

export interface RealtimeWorld extends PbxWorld {
  readonly lab: AsteriskLab
  readonly database: PbxDatabase
  /** Statements of an admin; the rows of the last one as text. */
  sql(statements: string): string
}

/** A real Asterisk that reads its accounts from tables, as docs/asterisk.md sets it up. */
export async function realtimeWorld(options: RealtimeOptions): Promise<RealtimeWorld> {
  const tables = options.engine === 'postgres' ? await inPostgres(options) : inSqlite(options)
  const lab = await startAsterisk({
    dialPlan: germany,
    pjsip: outboundEndpoint,
    ...realtimeSetup(options, tables),
  }).catch(async (error: unknown) => {
    await tables.stop()
    throw error
  })
  const { database, sql } = tables
  return {
    ...worldOn(lab, {
      driver: asteriskDriver(lab.driverOptions, realtimeWriter(database(), folderOf(lab.driverOptions), null)),
      addForeign: async (extension) => void sql(foreignRows(extension)),
      look: (extension) =>
        [
          lab.cli(`pjsip show endpoint ${extension}`),
          lab.cli(`pjsip show aor ${extension}`),
          ...['ps_endpoints', 'ps_aors'].map((table) => sql(`select * from ${table} where id = '${extension}'`)),
          sql(`select * from ps_auths where id = '${extension}' or id like '${extension}-%'`),
        ].join('\n'),
      allBut: (extensions) => ({ ...asteriskBut(lab, extensions), tables: rowsBut(sql, extensions) }),
      stopped: tables.stop,
    }),
    parts: { Asterisk: 'real', [options.engine === 'postgres' ? 'PostgreSQL' : 'SQLite']: 'real' },
    database: database(),
    sql,
  }
}

/** All rows of all tables, but those of these extensions. */
function rowsBut(sql: RealtimeWorld['sql'], extensions: readonly string[]): readonly string[] {
  const own = extensions.map(
    (extension) => `id = '${extension}' or id like '${extension}-%' or id like '${extension}^%'`,
  )
  const others = own.length === 0 ? '' : `where not (${own.join(' or ')})`
  return realtimeFamilies.map((table) => sql(`select * from ${table} ${others} order by id`))
}

/** What an Asterisk has to have for it, as docs/asterisk.md sets it up. */
export function realtimeSetup(
  options: RealtimeOptions,
  tables: Tables,
): Required<Pick<AsteriskLabOptions, 'modules' | 'before' | 'files'>> {
  return {
    modules: [tables.module, 'res_sorcery_memory_cache.so'],
    before: tables.before,
    files: ({ inner }) => ({
      ...tables.files(inner),
      'sorcery.conf': sorcery(options),
      'extconfig.conf': tables.families,
    }),
  }
}

// The config file stays the first place: the identity for NOTIFY, transports and the admin's own trunks stand there.
function sorcery({ caches = '', contacts }: RealtimeOptions): string {
  return `[res_pjsip]
${caches}
endpoint = realtime,ps_endpoints
endpoint = config,pjsip.conf,criteria=type=endpoint
auth = realtime,ps_auths
auth = config,pjsip.conf,criteria=type=auth
aor = realtime,ps_aors
aor = config,pjsip.conf,criteria=type=aor
${contacts ? 'contact = realtime,ps_contacts\n' : ''}`
}

export interface Tables {
  readonly module: string
  readonly before: NonNullable<AsteriskLabOptions['before']>
  readonly files: (inner: string) => Readonly<Record<string, string>>
  readonly families: string
  readonly database: () => PbxDatabase
  readonly sql: (statements: string) => string
  readonly stop: () => Promise<void>
}

const realtimeFamilies = ['ps_endpoints', 'ps_auths', 'ps_aors', 'ps_contacts']

const familiesOn = (engine: string) =>
  `[settings]\n${realtimeFamilies.map((table) => `${table} => ${engine},${table}\n`).join('')}`

/** `namespace`: of the network that Asterisk stands in. */
export async function inPostgres(options: RealtimeOptions, namespace?: string): Promise<Tables> {
  const port = await freePort()
  const server = await startPostgres({ port, ...(namespace === undefined ? {} : { namespace }) })
  const url = server.createDatabase()
  server.sql(url, realtimeSchema(options))
  const name = new URL(server.tcpUrl(url).reveal()).pathname.slice(1)
  return {
    module: 'res_config_pgsql.so',
    before: () => undefined,
    files: () => ({
      'res_pgsql.conf': `[general]\nhostname=127.0.0.1\nport=${port}\ndbname=${name}\nuser=ringfence\npassword=unused\nrequirements=warn\n`,
    }),
    families: familiesOn('pgsql,general'),
    database: () => ({ postgres: url }),
    sql: (statements) => server.sql(url, statements),
    stop: () => server.stop(),
  }
}

function inSqlite(options: RealtimeOptions): Tables {
  let path = ''
  return {
    module: 'res_config_sqlite3.so',
    before: (folder) => {
      mkdirSync(join(folder, 'tables'))
      path = join(folder, 'tables', 'realtime.sqlite3')
      const file = new DatabaseSync(path)
      file.exec(realtimeSchema(options))
      file.close()
      chmodSync(path, 0o660)
    },
    files: (inner) => ({
      'res_config_sqlite3.conf': `[tables]\ndbfile => ${inner}/tables/realtime.sqlite3\nbatch=0\nrequirements=warn\n`,
    }),
    families: familiesOn('sqlite3,tables'),
    database: () => ({ sqlite: path }),
    sql(statements) {
      const file = new DatabaseSync(path, { timeout: 2000 })
      try {
        if (/^\s*select/i.test(statements)) return JSON.stringify(file.prepare(statements).all())
        file.exec(statements)
        return ''
      } finally {
        file.close()
      }
    },
    stop: async () => undefined,
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const bound = server.address()
      server.close(() => resolve(typeof bound === 'object' && bound ? bound.port : 0))
    })
  })
}
