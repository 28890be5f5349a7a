import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import { realtimeTables } from '../../src/pbx/asterisk/realtime-tables.ts'
import { readRows } from '../../src/pbx/kamailio/kamailio-accounts.ts'
import { prepareTables, withTables } from '../../src/pbx/kamailio/kamailio-tables.ts'
import type { PbxDatabase } from '../../src/pbx/pbx-database.ts'
import { type Postgres, startPostgres } from '../lab/postgres.ts'
import { realtimeSchema } from '../lab/realtime-schema.ts'
import { describeLive } from '../setup/requirements.ts'

const limit = () => AbortSignal.timeout(10_000)

/** Both that read a PBX's database, and what each does when it is asked for changes. */
const readers: readonly (readonly [string, (database: PbxDatabase) => Promise<unknown>])[] = [
  ["Asterisk's tables, looked at", (database) => realtimeTables(database).endpoints(limit())],
  [
    "Asterisk's tables, changed",
    (database) => realtimeTables(database).write(new Map([['1001', { objects: null, adopted: false }]]), limit()),
  ],
  ["Kamailio's tables, looked at", (database) => withTables(database, limit(), readRows)],
  ["Kamailio's tables, made", (database) => withTables(database, limit(), prepareTables)],
]

describe('a SQLite file that is no database', () => {
  let folder: string
  let path: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pbx-database-'))
    path = join(folder, 'accounts.db')
  })
  afterEach(() => rm(folder, { recursive: true }))

  const refusal = (words: string) => ({
    code: 'PBX_REFUSED',
    message: expect.stringContaining(words),
    hint: expect.stringMatching(/RINGFENCE_PBX_DATABASE.*backup/),
  })

  test.each(readers)('%s: it is told so, with what to do, and left as it is', async (_, ask) => {
    for (const garbage of [
      '<html>502 Bad Gateway</html>\n'.repeat(200),
      'not a database, but some words of text',
      `SQLite format 3\0${'\x07'.repeat(5000)}`,
    ]) {
      await writeFile(path, garbage)
      await expect(ask({ sqlite: path }), garbage.slice(0, 20)).rejects.toMatchObject(
        refusal(`${path}, is no SQLite database (SQLite 26)`),
      )
      expect(await readFile(path, 'latin1')).toBe(garbage)
      expect(await readdir(folder)).toEqual(['accounts.db'])
    }
  })

  test.each(readers)('%s: one that is damaged inside is told so', async (_, ask) => {
    const file = new DatabaseSync(path)
    file.exec(realtimeSchema({ engine: 'sqlite' }))
    file.close()
    const bytes = await readFile(path)
    // Past the header of 100 bytes: the page that lists the tables.
    bytes.fill(7, 100, 4096)
    await writeFile(path, bytes)
    await expect(ask({ sqlite: path })).rejects.toMatchObject(refusal(`${path}, is damaged (SQLite 11)`))
  })
})

describeLive('a PostgreSQL that refuses the user or the password', ['postgres'], () => {
  let server: Postgres
  let url: URL
  beforeAll(async () => {
    server = await startPostgres()
    const made = server.createDatabase()
    server.sql(made, realtimeSchema({ engine: 'postgres' }))
    server.sql(made, "create role asterisk login superuser password 'the right one'")
    server.sql(
      made,
      `do $$ begin execute format(
         'copy (values (''local all asterisk scram-sha-256''), (''local all all trust'')) to %L', current_setting('hba_file'));
       end $$; select pg_reload_conf()`,
    )
    url = new URL(made.reveal().replace('///', '//socket/'))
  })
  afterAll(() => server?.stop())

  test.each(readers)('%s: it is told so in words, without the password', async (_, ask) => {
    const attempt = (user: string, password: string) => {
      url.searchParams.set('user', user)
      url.searchParams.set('password', password)
      return ask({ postgres: new Secret(url.href.replace('//socket/', '///')) }).then(
        () => null,
        (error: unknown) => error,
      )
    }
    const refused = (sqlState: string) => ({
      code: 'PBX_REFUSED',
      message: `the database of the PBX refused the user or the password (${sqlState})`,
      hint: expect.stringMatching(/password.*pg_hba/),
    })
    // It takes its new rules over a moment after it was told to.
    await vi.waitFor(async () => expect(await attempt('asterisk', 'hunter2')).toMatchObject(refused('28P01')), 5_000)
    const error = await attempt('asterisk', 'hunter2')
    expect(`${error}${JSON.stringify(error)}`).not.toContain('hunter2')
    expect(await attempt('nobody', 'hunter2')).toMatchObject(refused('28000'))
    // So it is the password that the first was about.
    const later = await attempt('asterisk', 'the right one')
    expect(`${later}`).not.toMatch(/\(28|not reachable/)
  })
})
