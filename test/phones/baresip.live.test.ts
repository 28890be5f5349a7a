import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import { digestHa1 } from '../../src/domain/sip-account.ts'
import { loadCatalogue } from '../../src/phones/catalogue.ts'
import { issueTestCertificate, makeTestAuthority } from '../lab/test-certificates.ts'
import { describeLive } from '../setup/requirements.ts'
import { sampleValues, templatesFolder } from './sample-values.ts'
import { startRegistrar } from './sip-registrar.ts'

const cleanUps: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

/** The four files as a user saves them, and Debian's baresip started in their folder. It needs an interface beside loopback. */
async function startBaresip(files: Readonly<Record<string, string>>) {
  const home = await mkdtemp(join(tmpdir(), 'ringfence-baresip-'))
  cleanUps.push(() => rm(home, { recursive: true, force: true }))
  for (const [name, body] of Object.entries(files)) await writeFile(join(home, name), body, { mode: 0o600 })
  const app = spawn('baresip', ['-f', '.', '-v'], {
    cwd: home,
    env: { PATH: process.env.PATH, HOME: home },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const ended = new Promise<void>((resolve) => app.once('close', () => resolve()))
  // It may be gone when something is written to it.
  app.stdin.on('error', () => undefined)
  let said = ''
  for (const stream of [app.stdout, app.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString('utf8')))
  cleanUps.push(() => {
    if (app.exitCode === null && app.signalCode === null) app.kill('SIGKILL')
    return ended
  })
  return { said: () => said, ended }
}

async function filesFor(port: number, authority: string, client: { certificate: string; key: string }) {
  const catalogue = await loadCatalogue(templatesFolder)
  const { sip, ...ada } = sampleValues({ mac: null })
  const values = {
    ...ada,
    sip: { ...sip, host: '127.0.0.1', port },
    caCertificate: authority,
    clientCertificate: { certificate: client.certificate, privateKey: new Secret(client.key) },
  }
  const names = catalogue.fileNames('baresip-linux', null)
  return Object.fromEntries(names.map((name) => [name, catalogue.render('baresip-linux', name, values)!.body]))
}

const { sip } = sampleValues()
const account = { realm: sip.realm, ha1: digestHa1(sip.username, sip.realm, sip.secret) }

describeLive('a real baresip', ['baresip', 'openssl'], () => {
  test('takes the saved files, shows its certificate to the PBX and registers', async () => {
    const authority = makeTestAuthority('Ringfence test')
    const server = issueTestCertificate(authority, '127.0.0.1', ['127.0.0.1'])
    const client = issueTestCertificate(authority, 'handset of Ada')
    const registrar = await startRegistrar({ ...server, clientAuthority: authority.certificate }, account)
    cleanUps.push(() => registrar.close())
    const app = await startBaresip(await filesFor(registrar.port, authority.certificate, client))

    await vi.waitFor(
      () =>
        expect(
          registrar.registrations.some((one) => one.accepted),
          app.said(),
        ).toBe(true),
      {
        timeout: 15_000,
        interval: 100,
      },
    )
    const accepted = registrar.registrations.find((one) => one.accepted)!
    expect(accepted).toMatchObject({ username: '1001-k3f9', certificateName: 'handset of Ada' })
    expect(accepted.from).toContain('sip:1001@127.0.0.1')
    expect(app.said()).not.toMatch(/mediaenc not found|cannot open shared object/)
  })

  test('before version 1.1.0 takes a stranger for the PBX, of which its model warns', async (context) => {
    const authority = makeTestAuthority('Ringfence test')
    const server = issueTestCertificate(makeTestAuthority('a stranger'), '127.0.0.1', ['127.0.0.1'])
    const client = issueTestCertificate(authority, 'handset of Ada')
    const registrar = await startRegistrar(server, account)
    cleanUps.push(() => registrar.close())
    const app = await startBaresip(await filesFor(registrar.port, authority.certificate, client))

    await vi.waitFor(() => expect(app.said()).toMatch(/baresip v\d+\.\d+/), { timeout: 15_000, interval: 50 })
    context.skip(!app.said().includes('baresip v1.0.'), 'this baresip is newer than the one that the warning is about')
    await vi.waitFor(
      () =>
        expect(
          registrar.registrations.some((one) => one.accepted),
          app.said(),
        ).toBe(true),
      {
        timeout: 15_000,
        interval: 100,
      },
    )
    const { warnings } = (await loadCatalogue(templatesFolder)).model('baresip-linux')!
    expect(warnings.join()).toContain('it does not check the certificate of the PBX')
  })

  test('does not start at all when it does not find the certificate that its file names', async () => {
    const authority = makeTestAuthority('Ringfence test')
    const { 'client.pem': _, ...others } = await filesFor(1, authority.certificate, authority)
    const app = await startBaresip(others)
    await app.ended
    expect(app.said()).toMatch(/Can't read certificate file: client\.pem/)
  })
})
