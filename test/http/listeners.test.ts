import { chmod, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { request } from 'node:https'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import { startAdminSocket, startConsole, startPhoneDoor, type TlsCertificate } from '../../src/http/listeners.ts'
import { realSystem } from '../../src/system.ts'
import { openDoors } from './doors.ts'
import { ask } from './http-client.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), `ringfence-listeners-${process.pid}-`))
})
afterAll(async () => rm(folder, { recursive: true, force: true }))

const hello = (_request: unknown, response: { end(text: string): void }): void => response.end('hello')

describe('the admin socket', () => {
  test('only its owner can open it, whatever the umask', async () => {
    const before = process.umask(0)
    try {
      await using doors = await openDoors()
      const { mode } = await stat(doors.socket)
      expect((mode & 0o777).toString(8)).toBe('600')
      expect((await ask(doors.socket, { path: '/healthz' })).status).toBe(200)
      expect(await readdir(doors.folder)).toEqual(['admin.sock'])
    } finally {
      process.umask(before)
    }
  })

  test('a socket that a dead server left behind is replaced, and gone after the stop', async () => {
    const path = join(folder, 'stale.sock')
    // A child that is killed leaves its socket behind, as a crashed server does.
    const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`
    await expect(realSystem.run(process.execPath, ['-e', script], {})).rejects.toMatchObject({ code: 'COMMAND_FAILED' })
    expect((await stat(path)).isSocket()).toBe(true)

    const listener = await startAdminSocket(hello, path)
    expect((await ask(path)).text).toBe('hello')
    await listener.stop()
    await expect(stat(path)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('a socket on which somebody answers is left alone', async () => {
    const path = join(folder, 'busy.sock')
    const first = await startAdminSocket(hello, path)
    await expect(startAdminSocket(hello, path)).rejects.toMatchObject({ code: 'STORE_IN_USE' })
    expect((await ask(path)).text).toBe('hello')
    await first.stop()
  })

  test('a file in its place is left alone, and a path that is too long is said to be', async () => {
    const path = join(folder, 'precious')
    await writeFile(path, 'data')
    await expect(startAdminSocket(hello, path)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('not a socket'),
    })
    const deep = await mkdtemp(join(folder, 'y'.repeat(80)))
    await expect(startAdminSocket(hello, join(deep, 'admin.sock'))).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('too long'),
    })
    expect(await readdir(deep)).toEqual([])
  })

  test('another user is turned away by the system itself', async () => {
    if (process.getuid?.() !== 0) return
    await using doors = await openDoors()
    await chmod(doors.folder, 0o755)
    const script = `require('node:net').connect(${JSON.stringify(doors.socket)}).on('error', (e) => { console.log(e.code) }).on('connect', () => { console.log('in'); process.exit() })`
    const child = `process.setgid(65534); process.setuid(65534); ${script}`
    expect((await realSystem.run(process.execPath, ['-e', child], {})).stdout).toBe('EACCES')
  })
})

describe('the console listener', () => {
  test.each(['0.0.0.0', '::', '192.0.2.1'])('it refuses %s without TLS before it binds anything', async (host) => {
    await expect(startConsole(hello, { host, port: 0 })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      hint: expect.stringContaining('127.0.0.1'),
    })
  })

  test('it takes a public address when that was allowed', async () => {
    const listener = await startConsole(hello, { host: '127.0.0.2', port: 0 }, { allowPlain: true })
    expect(listener.address).toMatchObject({ host: '127.0.0.2' })
    await listener.stop()
  })

  test('a port that is taken is said in words', async () => {
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
    const bound = taken.address()
    const port = typeof bound === 'object' ? bound!.port : 0
    await expect(startConsole(hello, { host: '127.0.0.1', port })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: `cannot listen on 127.0.0.1:${port}: another program listens there already`,
    })
    taken.close()
  })

  test('stopping lets a running answer finish and cuts who only holds the line', async () => {
    let release: (() => void) | undefined
    const listener = await startConsole(
      (_request, response) => {
        release = () => response.end('late')
      },
      { host: '127.0.0.1', port: 0 },
    )
    const { port } = listener.address!
    const answer = ask(port)
    await expect.poll(() => release).toBeDefined()
    const idle = connect(port, '127.0.0.1')
    idle.on('error', () => undefined) // to be cut off is what is expected of it
    const closed = new Promise((resolve) => idle.once('close', resolve))
    await new Promise((resolve) => idle.once('connect', resolve))
    const stopped = listener.stop(500)
    release?.()
    expect((await answer).text).toBe('late')
    await Promise.all([stopped, closed])
  })
})

describe('the phone door listener', () => {
  test('who drips a request in is hung up on, and others are served meanwhile', async () => {
    const patience = { headersTimeout: 100, requestTimeout: 200, connectionsCheckingInterval: 20 }
    const listener = await startPhoneDoor(hello, { host: '127.0.0.1', port: 0 }, null, patience)
    const { port } = listener.address!
    const slow = connect(port, '127.0.0.1')
    slow.on('error', () => undefined) // to be cut off is what is expected of it
    const closed = new Promise((resolve) => slow.once('close', resolve))
    slow.write('GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ')
    const drip = setInterval(() => slow.write('a'), 10)
    expect((await ask(port)).text).toBe('hello')
    await closed
    clearInterval(drip)
    await listener.stop()
  })

  test('a new certificate is shown from the next connection on, and a running one goes on', async () => {
    const [first, second] = await Promise.all([selfSigned('first'), selfSigned('second')])
    const listener = await startPhoneDoor(hello, { host: '127.0.0.1', port: 0 }, first)
    const { port } = listener.address!
    expect(await commonName(port)).toBe('first')
    listener.setCertificate(second)
    expect(await commonName(port)).toBe('second')
    await listener.stop()
  })
})

async function selfSigned(name: string): Promise<TlsCertificate> {
  const key = join(folder, `${name}.key`)
  const args = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-subj',
    `/CN=${name}`,
    '-days',
    '1',
    '-keyout',
    key,
  ]
  const { stdout } = await realSystem.run('openssl', args, {})
  const privateKey = (await realSystem.run('openssl', ['pkey', '-in', key], {})).stdout
  return { certificate: `${stdout}\n`, privateKey: new Secret(`${privateKey}\n`) }
}

function commonName(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    // Self-signed on purpose: which certificate is shown is the question, not whether it is trusted.
    const outgoing = request({ host: '127.0.0.1', port, agent: false, rejectUnauthorized: false }, (response) => {
      resolve(String((response.socket as TLSSocket).getPeerCertificate().subject.CN))
      response.resume()
    })
    outgoing.on('error', reject)
    outgoing.end()
  })
}
