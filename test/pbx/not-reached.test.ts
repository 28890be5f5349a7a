import { createServer } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { afterEach, expect, test } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import { withAmi } from '../../src/pbx/asterisk/ami-connection.ts'
import { withPbxDatabase } from '../../src/pbx/pbx-database.ts'
import { pbxHttp } from '../../src/pbx/pbx-http.ts'
import { issueTestCertificate, makeTestAuthority } from '../lab/test-certificates.ts'

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

async function portOf(server: Server): Promise<number> {
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

const limit = () => AbortSignal.timeout(5_000)
const askWeb = (origin: string, ca?: string) =>
  pbxHttp({ origin, ca, setting: 'RINGFENCE_PBX_API_URL' })({ method: 'GET', path: '/' }, limit())
const askManager = (port: number, tls: { ca?: string } | null, signal = limit()) =>
  withAmi({ host: '127.0.0.1', port, username: 'x', secret: new Secret('x'), tls }, signal, async () => null)

test('plain HTTP in the place of https is called so', async () => {
  const port = await portOf(createServer((_, answer) => answer.end('hello')))
  await expect(askWeb(`https://127.0.0.1:${port}`)).rejects.toMatchObject({
    code: 'PBX_UNREACHABLE',
    message: expect.stringMatching(/^the management interface of the PBX at 127.0.0.1:\d+ answers, but without TLS/),
  })
})

test('a manager interface without TLS in the place of one with it is called so', async () => {
  const port = await portOf(createTcpServer((socket) => void socket.write('Asterisk Call Manager/11.0.0\r\n')))
  await expect(askManager(port, {})).rejects.toMatchObject({
    code: 'PBX_UNREACHABLE',
    message: expect.stringMatching(/^the manager interface of the PBX at 127.0.0.1:\d+ answers, but without TLS/),
  })
})

test('a name that nobody knows is called so, and the setting is named', async () => {
  await expect(askWeb('https://pbx.invalid')).rejects.toMatchObject({
    message: expect.stringContaining('the name does not resolve here'),
    hint: expect.stringContaining('RINGFENCE_PBX_API_URL'),
  })
})

test('a certificate for another name tells which names it has, one of no authority tells how it may be trusted', async () => {
  const authority = makeTestAuthority('An authority')
  const { certificate, key } = issueTestCertificate(authority, 'pbx.test', ['pbx.test', 'sip.test'])
  const port = await portOf(createTlsServer({ cert: certificate, key }))
  const names = { message: expect.stringMatching(/shows a certificate for other names: DNS:pbx\.test, DNS:sip\.test$/) }
  await expect(askWeb(`https://127.0.0.1:${port}`, authority.certificate)).rejects.toMatchObject(names)
  await expect(askManager(port, { ca: authority.certificate })).rejects.toMatchObject(names)
  await expect(askManager(port, {})).rejects.toMatchObject({
    message: expect.stringContaining('shows a certificate that is not trusted'),
    hint: expect.stringContaining('RINGFENCE_PBX_MANAGEMENT_CA_FILE'),
  })
})

test('a web server in the place of the manager interface is not taken for one that is slow', async () => {
  const port = await portOf(createServer((_, answer) => answer.end()))
  await expect(askManager(port, null, AbortSignal.timeout(300))).rejects.toMatchObject({
    code: 'PBX_UNREACHABLE',
    message: `something answers at 127.0.0.1:${port} and does not greet as a manager interface does`,
    hint: expect.stringContaining('RINGFENCE_PBX_AMI'),
  })
})

test('a database file that is not there is named', async () => {
  await expect(withPbxDatabase({ sqlite: '/nowhere/accounts.db' }, limit(), async () => null)).rejects.toMatchObject({
    code: 'PBX_REFUSED',
    message: 'the database file of the PBX, /nowhere/accounts.db, is not there (ENOENT)',
    hint: expect.stringContaining('RINGFENCE_PBX_DATABASE'),
  })
})
