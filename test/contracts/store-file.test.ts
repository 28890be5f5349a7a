import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { withdrawalOf } from '../../src/domain/withdrawal.ts'
import { migrations } from '../../src/store/migrations.ts'
import { openStore } from '../../src/store/open-store.ts'
import type { Store, StoreWriter, Table } from '../../src/store/store.ts'
import * as cast from './store-cast.ts'

let folder: string
let sqlite: string
const opened: Store[] = []
const open = async (...args: Parameters<typeof openStore> extends [unknown, ...infer Rest] ? Rest : never) => {
  const store = await openStore({ sqlite }, ...args)
  opened.push(store)
  return store
}
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'store-'))
  sqlite = join(folder, 'data', 'ringfence.db')
})
afterEach(async () => {
  for (const store of opened.splice(0)) await store.close()
  rmSync(folder, { recursive: true, force: true })
})

describe('the file of the embedded database', () => {
  test('it can be read by its owner only, and so can what SQLite keeps beside it', async () => {
    const store = await open()
    await store.transaction((tx) => tx.insert('setting', [{ id: 'a', value: '' }]))
    const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8)
    const files = readdirSync(join(folder, 'data'))
    expect(files.toSorted()).toEqual(['ringfence.db', 'ringfence.db-shm', 'ringfence.db-wal'])
    expect(files.map((file) => modeOf(join(folder, 'data', file)))).toEqual(['600', '600', '600'])
    expect(modeOf(join(folder, 'data'))).toBe('700')
  })

  test('after it was closed one file is left, which is all of it', async () => {
    await (await open()).close()
    expect(readdirSync(join(folder, 'data'))).toEqual(['ringfence.db'])
  })

  test('an erased name is not left in any of its bytes', async () => {
    const store = await open()
    await cast.seed(store)
    const name = 'Zebedee Quartermaine'
    await store.transaction(async (tx) => {
      await tx.insert('employee', [cast.employee(1, { name, lifecycle: 'offboarded' })])
      // Long enough for pages of its own, which are given back as they are unless somebody wipes them.
      await tx.record(cast.event('ev1', { employeeId: 'e1', detail: { name, story: `${name} `.repeat(2_000) } }))
    })
    const everything = () =>
      readdirSync(join(folder, 'data'))
        .map((file) => readFileSync(join(folder, 'data', file), 'latin1'))
        .join()
    expect(everything()).toContain(name)
    await store.erasePerson('e1', new Date(cast.at(1)))
    expect(everything()).not.toContain(name)
  })

  test('a place where no file can be is told at the start', async () => {
    await expect(openStore({ sqlite: ':memory:' })).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    await expect(openStore({ sqlite: folder })).rejects.toThrow()
  })

  test('a file that is no database is told and left as it is', async () => {
    const store = await open()
    await store.close()
    writeFileSync(sqlite, 'not a database, but somebody else’s letter')
    await expect(open()).rejects.toMatchObject({ name: 'AppError' })
    expect(readFileSync(sqlite, 'utf8')).toContain('letter')
  })

  test('a second process that writes at the same time is waited for', async () => {
    const store = await open()
    const other = new DatabaseSync(sqlite)
    other.exec('begin immediate')
    other.exec(`insert into "setting" values ('theirs', '')`)
    await expect(store.transaction((tx) => tx.insert('setting', [{ id: 'ours', value: '' }]))).rejects.toMatchObject({
      code: 'STORE_BUSY',
      retryable: true,
    })
    other.exec('commit')
    other.close()
    await store.transaction((tx) => tx.insert('setting', [{ id: 'ours', value: '' }]))
    expect((await store.find('setting', {})).map((row) => row.id)).toEqual(['ours', 'theirs'])
  })
})

describe('bringing the tables up to date', () => {
  const addColumn = {
    up: async (db: Parameters<(typeof migrations)[string]['up']>[0]) => {
      await db.schema.alterTable('setting').addColumn('note', 'text').execute()
    },
  }
  const failing = {
    up: async (db: Parameters<(typeof migrations)[string]['up']>[0]) => {
      await addColumn.up(db)
      await db.schema.dropTable('outbox').execute()
      throw new Error('out of ideas')
    },
  }
  const filled = async () => {
    const store = await open()
    await store.transaction((tx) => tx.insert('setting', [{ id: 'a', value: '1' }]))
    await store.close()
  }

  test('a new database needs no copy, an existing one is copied before it is changed', async () => {
    await filled()
    expect(readdirSync(join(folder, 'data'))).toEqual(['ringfence.db'])
    const store = await open({ ...migrations, '0099-note': addColumn })
    expect(await store.get('setting', 'a')).toEqual({ id: 'a', value: '1', note: null })
    await store.close()
    const copy = `${sqlite}.before-0099-note`
    expect((statSync(copy).mode & 0o777).toString(8)).toBe('600')
    const before = new DatabaseSync(copy, { readOnly: true })
    expect({ ...before.prepare('select * from "setting"').get() }).toEqual({ id: 'a', value: '1' })
    before.close()
  })

  test('what was withdrawn before passkeys were journalled is all there, and theirs fit in beside it', async () => {
    const before = Object.fromEntries(Object.entries(migrations).filter(([name]) => name < '0005'))
    const old = await open(before)
    const token = withdrawalOf('api-token', 'x', { employeeId: null, at: cast.at(1) })
    const passkey = withdrawalOf('passkey', 'p', { employeeId: null, at: cast.at(2) })
    await old.transaction((tx) => tx.put('withdrawal', [token]))
    await expect(old.transaction((tx) => tx.put('withdrawal', [passkey]))).rejects.toThrow()
    await old.close()
    const store = await open()
    expect(await store.find('withdrawal', {})).toEqual([token])
    await store.transaction((tx) => tx.put('withdrawal', [passkey]))
    expect(await store.find('withdrawal', {})).toEqual([token, passkey])
    const unknown = { ...passkey, id: 'thing/p', kind: 'thing' as 'passkey' }
    await expect(store.transaction((tx) => tx.put('withdrawal', [unknown]))).rejects.toThrow()
  })

  test('verdicts and tombstones from before administrators were doors are all there, and theirs fit in beside them', async () => {
    const before = Object.fromEntries(Object.entries(migrations).filter(([name]) => name < '0004'))
    const old = await open(before)
    await cast.seed(old)
    await old.transaction((tx) => cast.onboard(asBefore(tx), 1))
    const tombstones = await old.transaction((tx) => cast.offboard(tx, 1, 5))
    await old.transaction((tx) => asBefore(tx).insert('verdict', [cast.verdict(1)]))
    await old.close()
    const store = await open()
    expect(await store.find('verdict', {})).toEqual([cast.verdict(1)])
    expect(await store.find('tombstone', {})).toEqual(tombstones.toSorted((a, b) => (a.id < b.id ? -1 : 1)))
    const kind = 'administrator' as const
    await store.transaction(async (tx) => {
      await tx.insert('verdict', [{ ...cast.verdict(2), subjectKind: kind }])
      await tx.insert('tombstone', [{ ...tombstones[0]!, id: 'administrator/x', kind, subjectId: 'x' }])
    })
    await expect(
      store.transaction((tx) => tx.insert('verdict', [{ ...cast.verdict(3), subjectKind: 'cat' as never }])),
    ).rejects.toThrow()
    const database = new DatabaseSync(sqlite, { readOnly: true })
    const indexes = database.prepare(
      `select name from sqlite_master where type = 'index' and tbl_name in ('verdict', 'tombstone') and sql is not null order by name`,
    )
    expect(indexes.all().map((row) => row.name)).toEqual([
      'tombstoneBy_employeeId',
      'tombstoneBy_kind',
      'verdictBy_employeeId',
      'verdictBy_state',
      'verdictBy_subjectKind_subjectId',
    ])
    database.close()
  })

  test('what had been withdrawn before there was a table for it is in the table', async () => {
    const old = await open({ '0001-first-tables': migrations['0001-first-tables']! })
    await cast.seed(old)
    await old.transaction(async (tx) => {
      await tx.insert('employee', [cast.employee(1)])
      await asBefore(tx).insert('assignment', [cast.assignment(1)])
      const { phoneAddress: _, seenModel, seenFirmware, seenMac, seenAt, blankedAt, ...others } = cast.handset(1)
      const { formerTokenHash, ...firstColumns } = others
      await tx.insert('handset', [firstColumns as ReturnType<typeof cast.handset>])
      await tx.insert('sipCredential', [cast.credential(1)])
      await tx.update('handset', 'h1', { doorGeneration: 3, enrolledAt: cast.at(4) })
      await tx.update('sipCredential', 's1', { generation: 2 })
      const token = { label: 'x', role: 'admin', createdBy: 'Ada', createdAt: cast.at(0), lastUsedAt: null } as const
      const invite = { employeeId: 'e1', createdAt: cast.at(0), expiresAt: cast.at(9) }
      await tx.insert('apiToken', [
        { id: 'p1', tokenHash: 'p1', revokedAt: cast.at(1), ...token },
        { id: 'p2', tokenHash: 'p2', revokedAt: null, ...token },
      ])
      await tx.insert('invite', [
        { id: 'i1', tokenHash: 'i1', closedAt: cast.at(2), ...invite },
        { id: 'i2', tokenHash: 'i2', closedAt: null, ...invite },
      ])
    })
    await old.close()
    const store = await open()
    expect(await store.get('handset', 'h1')).toEqual({ ...cast.handset(1), doorGeneration: 3, enrolledAt: cast.at(4) })
    const rows = await store.find('withdrawal', {})
    expect(rows.map(({ id, employeeId, at, generation }) => [id, employeeId, at, generation])).toEqual([
      ['api-token/p1', null, cast.at(1), 1],
      ['door-links/h1', 'e1', cast.at(0), 3],
      ['enrolment-link/h1', 'e1', cast.at(4), 3],
      ['invite/i1', 'e1', cast.at(2), 1],
      ['sip-secret/s1', 'e1', cast.at(0), 2],
    ])
  })

  test('a step that fails half-way leaves everything as it was, and the old version starts again', async () => {
    await filled()
    const steps = { ...migrations, '0099-note': addColumn, '0100-broken': failing }
    await expect(open(steps)).rejects.toMatchObject({
      code: 'INTERNAL',
      message: expect.stringContaining('0100-broken'),
    })
    const store = await open()
    expect(await store.get('setting', 'a')).toEqual({ id: 'a', value: '1' })
    expect(await store.find('outbox', {})).toEqual([])
  })

  test('a database of a newer version is refused, with the way out', async () => {
    await (await open({ ...migrations, '0099-note': addColumn })).close()
    const refused = await open().then(
      () => expect.fail('it was opened'),
      (error) => error,
    )
    expect(refused).toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining('0099-note') })
    expect(refused.hint).toContain('newer version')
  })
})

describe('pulling the plug', () => {
  // Pairs of rows and an audit event in each transaction; says which are through.
  const writer = (path: string, start: number) => `
    const { openStore } = await import(${JSON.stringify(join(import.meta.dirname, '../../src/store/open-store.ts'))})
    const store = await openStore({ sqlite: ${JSON.stringify(path)} })
    for (let n = ${start}; ; n++) {
      await store.transaction(async (tx) => {
        await tx.insert('setting', [{ id: 'a' + n, value: '' }])
        await tx.record({ id: 'ev' + n, at: '', kind: 'access.closed', employeeId: null, subjectId: null, salt: 'a', detail: {} })
        await tx.insert('setting', [{ id: 'b' + n, value: '' }])
      })
      console.log(n)
    }`

  test('a process that is killed in the middle of writing loses nothing that it was told is written', async () => {
    for (const round of [1, 2, 3]) {
      const start = round * 10_000
      const child = spawn(process.execPath, ['--input-type=module', '-e', writer(sqlite, start)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const gone = once(child, 'exit')
      let last = 0
      for await (const line of createInterface({ input: child.stdout })) {
        last = Number(line)
        if (last === start + 5 * round) child.kill('SIGKILL')
      }
      await gone
      const store = await open()
      const written = (await store.find('setting', {})).map((row) => row.id)
      const [first, second] = ['a', 'b'].map((letter) =>
        written.filter((id) => id.startsWith(letter)).map((id) => id.slice(1)),
      )
      expect(first).toEqual(second)
      expect(first).toContain(String(last))
      expect(last).toBeGreaterThanOrEqual(start + 5 * round)
      expect(await store.verifyAuditChain()).toBeNull()
      await store.close()
      const database = new DatabaseSync(sqlite)
      expect({ ...database.prepare('pragma integrity_check').get() }).toEqual({ integrity_check: 'ok' })
      database.close()
    }
    expect(existsSync(sqlite)).toBe(true)
  })
})

/** Columns that older tables do not have yet. */
const laterColumns: Readonly<Partial<Record<Table, readonly string[]>>> = {
  assignment: ['adoptedAt', 'callPolicy', 'generation'],
  verdict: ['acknowledgedClaim', 'waitingSince'],
}

function asBefore(tx: StoreWriter): StoreWriter {
  return {
    ...tx,
    insert: (table, rows) =>
      tx.insert(
        table,
        rows.map((row) => without(row, laterColumns[table] ?? [])),
      ),
  }
}

function without<T extends object>(row: T, columns: readonly string[]): T {
  return Object.fromEntries(Object.entries(row).filter(([name]) => !columns.includes(name))) as T
}
