import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TLSSocket } from 'node:tls'
import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import { realtimeTables } from '../../src/pbx/asterisk/realtime-tables.ts'
import type { PbxDatabase } from '../../src/pbx/pbx-database.ts'
import { startPostgres } from '../lab/postgres.ts'
import { realtimeSchema } from '../lab/realtime-schema.ts'
import { issueTestCertificate, makeTestAuthority, type TestCertificate } from '../lab/test-certificates.ts'
import { describeLive } from '../setup/requirements.ts'

const limit = () => AbortSignal.timeout(20_000)

describe('a database that is not there', () => {
  const endpoints = (database: PbxDatabase, signal = limit()) => realtimeTables(database).endpoints(signal)

  test('a file that is missing is told, and not made', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'realtime-'))
    const path = join(folder, 'none.sqlite3')
    await expect(endpoints({ sqlite: path })).rejects.toMatchObject({
      code: 'PBX_REFUSED',
      message: expect.stringContaining(path),
      hint: expect.stringContaining('RINGFENCE_PBX_DATABASE'),
    })
    expect(existsSync(path)).toBe(false)
    await rm(folder, { recursive: true })
  })

  test.each([
    ['refuses the connection', '127.0.0.1:1', 'ECONNREFUSED'],
    ['has no such host', 'nobody.invalid', ''],
  ])('a server that %s is unreachable, and its address is not told', async (_, place, code) => {
    const database = { postgres: new Secret(`postgres://asterisk:hunter2@${place}/asterisk`) }
    const error = await endpoints(database).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'PBX_UNREACHABLE', retryable: true, message: expect.stringContaining(code) })
    expect(`${error}${JSON.stringify(error)}`).not.toContain('hunter2')
  })

  test.each([
    ['says nothing', () => undefined],
    ['answers garbage', (write: (text: string) => void) => write('HTTP/1.1 400 Bad Request\r\n\r\n'.repeat(50))],
  ])('a server that %s is given up when the caller gives up', async (_, answer) => {
    const server = await listener(answer)
    try {
      const { port } = server.address() as { port: number }
      const database = { postgres: new Secret(`postgres://asterisk@127.0.0.1:${port}/asterisk`) }
      await expect(endpoints(database, AbortSignal.timeout(500))).rejects.toMatchObject({
        code: 'PBX_UNREACHABLE',
        retryable: true,
      })
    } finally {
      server.close()
    }
  })
})

describeLive('a PostgreSQL that goes away', ['postgres'], () => {
  test('is unreachable, and Ringfence lives on', async () => {
    const server = await startPostgres()
    const url = server.createDatabase()
    server.sql(url, realtimeSchema({ engine: 'postgres' }))
    const accounts = realtimeTables({ postgres: url })
    expect(await accounts.endpoints(limit())).toEqual([])
    const missing = { postgres: new Secret(url.reveal().replace(/\/t_[0-9a-f]+/, '/nowhere')) }
    await expect(realtimeTables(missing).endpoints(limit())).rejects.toMatchObject({
      code: 'PBX_REFUSED',
      message: expect.stringContaining('3D000'),
    })
    await server.stop()
    await expect(accounts.endpoints(limit())).rejects.toMatchObject({ code: 'PBX_UNREACHABLE', retryable: true })
  })
})

describeLive('a PostgreSQL over TLS', ['openssl'], () => {
  test('whose certificate is of another authority, or for another name, is told nothing', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'realtime-'))
    const authority = makeTestAuthority('database CA')
    const other = makeTestAuthority('another CA')
    await writeFile(join(folder, 'ca.pem'), authority.certificate)
    await writeFile(join(folder, 'other.pem'), other.certificate)
    const server = await tlsDatabase(issueTestCertificate(authority, 'localhost', ['localhost']))
    const attempt = (host: string, ca: string) => {
      const place = `${host}:${(server.address() as { port: number }).port}`
      const url = `postgres://asterisk:hunter2@${place}/asterisk?sslmode=verify-full&sslrootcert=${join(folder, ca)}`
      return realtimeTables({ postgres: new Secret(url) })
        .endpoints(limit())
        .catch((error: unknown) => error)
    }
    try {
      const refused = { code: 'PBX_UNREACHABLE', message: expect.stringMatching(/\((UNABLE|SELF|ERR|CERT)\w+\)/) }
      expect(await attempt('localhost', 'other.pem')).toMatchObject(refused)
      expect(await attempt('127.0.0.1', 'ca.pem')).toMatchObject(refused)
      expect(server.heard).toEqual([])
      // The right one is spoken to, so the refusals above are the certificate's.
      await attempt('localhost', 'ca.pem')
      expect(server.heard.length).toBeGreaterThan(0)
    } finally {
      server.close()
      await rm(folder, { recursive: true })
    }
  })
})

/** Takes PostgreSQL's request for TLS, shows its certificate, notes what it then hears, and hangs up. */
async function tlsDatabase(certificate: TestCertificate): Promise<Server & { readonly heard: string[] }> {
  const heard: string[] = []
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => {
      socket.write('S')
      const secure = new TLSSocket(socket, { isServer: true, cert: certificate.certificate, key: certificate.key })
      secure.on('error', () => undefined)
      secure.on('data', (data) => {
        heard.push(data.toString('latin1'))
        secure.destroy()
      })
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return Object.assign(server, { heard })
}

function listener(answer: (write: (text: string) => void) => void): Promise<Server> {
  return new Promise((resolve) => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined)
      socket.once('data', () => answer((text) => void socket.write(text)))
    })
    server.listen(0, '127.0.0.1', () => resolve(server))
  })
}
