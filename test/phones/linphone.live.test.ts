import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import { digestHa1 } from '../../src/domain/sip-account.ts'
import { loadCatalogue } from '../../src/phones/catalogue.ts'
import type { FileValues } from '../../src/phones/phone-port.ts'
import { issueTestCertificate, makeTestAuthority } from '../lab/test-certificates.ts'
import { describeLive } from '../setup/requirements.ts'
import { sampleValues, templatesFolder } from './sample-values.ts'
import { startRegistrar } from './sip-registrar.ts'

const cleanUps: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

type Pair = ReturnType<typeof issueTestCertificate>

/** A phone door that serves one document at every address and remembers who asked where. */
async function startDoor({ certificate, key }: Pair) {
  const door = { port: 0, document: '', asked: [] as string[] }
  const server = createServer({ cert: certificate, key }, (request, response) => {
    door.asked.push(request.url!)
    response.setHeader('content-type', 'application/xml; charset=utf-8').end(door.document)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanUps.push(() => new Promise((resolve) => server.close(resolve).closeAllConnections()))
  door.port = (server.address() as AddressInfo).port
  return door
}

/** Debian's Linphone with a home of its own, as on its very first start: it knows an address to ask and an authority. */
async function freshLinphone(authority: string, address: string, client?: Pair) {
  const home = await mkdtemp(join(tmpdir(), 'ringfence-linphone-'))
  cleanUps.push(() => rm(home, { recursive: true, force: true }))
  // Its core does not start without this folder.
  await mkdir(join(home, '.local/share/linphone'), { recursive: true })
  const settings = join(home, 'linphonerc')
  await writeFile(join(home, 'ca.pem'), authority)
  if (client) {
    await writeFile(join(home, 'client.pem'), client.certificate)
    await writeFile(join(home, 'client.key'), client.key, { mode: 0o600 })
  }
  const byHand = client
    ? `client_cert_chain=${join(home, 'client.pem')}\nclient_cert_key=${join(home, 'client.key')}\n`
    : ''
  await writeFile(
    settings,
    `[sip]\nroot_ca=${join(home, 'ca.pem')}\nsip_port=-1\nsip_tcp_port=-1\nsip_tls_port=-1\n${byHand}\n[misc]\nconfig-uri=${address}\n`,
  )
  return {
    settings: () => readFile(settings, 'utf8'),
    /** Starts it, waits for `condition`, quits it in good order: it writes its settings then. */
    async runUntil(condition: () => unknown) {
      const app = spawn('linphonec', ['-c', settings], {
        env: {
          PATH: process.env.PATH,
          HOME: home,
          XDG_DATA_HOME: join(home, '.local/share'),
          XDG_CONFIG_HOME: join(home, '.config'),
        },
        stdio: ['pipe', 'ignore', 'ignore'],
      })
      const ended = new Promise<void>((resolve) => app.once('close', () => resolve()))
      // It may be gone when `quit` is written; `ended` tells.
      app.stdin.on('error', () => undefined)
      try {
        await vi.waitFor(condition, { timeout: 20_000, interval: 100 })
        app.stdin.end('quit\n')
        await Promise.race([ended, vi.waitFor(() => expect(app.exitCode).not.toBeNull(), { timeout: 15_000 })])
      } finally {
        if (app.exitCode === null && app.signalCode === null) app.kill('SIGKILL')
        await ended
      }
    },
  }
}

describeLive('a real Linphone', ['linphone', 'openssl'], () => {
  test('takes its account from our file, registers with the digest alone, moves to its steady address, and is blank after offboarding', async () => {
    const authority = makeTestAuthority('Ringfence test')
    const server = issueTestCertificate(authority, 'localhost', ['localhost'])
    const catalogue = await loadCatalogue(templatesFolder)
    const plain = sampleValues()
    const ada: FileValues = sampleValues({
      mac: null,
      sip: { ...plain.sip, realm: 'realm-of-the-pbx' },
      displayName: 'Ada "the first" \\ <1> ; 📞 = [x]',
      settings: {
        voicemail: '*97#',
        extraLines: '<section name="ui"><entry name="of_an_admin" overwrite="true">kept</entry></section>',
      },
    })
    const ha1 = digestHa1(ada.sip.username, ada.sip.realm, ada.sip.secret)
    const registrar = await startRegistrar(server, { realm: ada.sip.realm, ha1 })
    cleanUps.push(() => registrar.close())
    const door = await startDoor(server)
    const steady = `https://localhost:${door.port}/p/steady/`
    const values: FileValues = {
      ...ada,
      provisioningUrl: steady,
      sip: { ...ada.sip, host: 'localhost', port: registrar.port },
    }
    const phone = await freshLinphone(authority.certificate, `https://localhost:${door.port}/p/enrol/linphone.xml`)

    door.document = catalogue.render('linphone-desktop', 'linphone.xml', values)!.body
    await phone.runUntil(() => expect(registrar.registrations.some((one) => one.accepted)).toBe(true))
    expect(door.asked).toEqual(['/p/enrol/linphone.xml'])
    const accepted = registrar.registrations.find((one) => one.accepted)!
    expect(accepted.username).toBe('1001-k3f9')
    expect(accepted.from).toContain('<sip:1001@localhost>')
    const enrolled = await phone.settings()
    expect(enrolled).toContain(`config-uri=${steady}linphone.xml`)
    expect(enrolled).toContain('media_encryption_mandatory=1')
    expect(enrolled).toContain(`ha1=${ha1}`)
    expect(enrolled).not.toContain(ada.sip.secret.reveal())
    // The name is one value of one line, however it looks.
    expect(enrolled).toMatch(/^reg_identity="Ada \\"the first\\" \\\\ <1> ; 📞 = \[x\]" <sip:1001@localhost>$/mu)

    expect(enrolled).toContain('voicemail_uri=sip:*97%23@localhost')
    expect(enrolled).toContain('mwi_server_uri=sip:1001@localhost')
    expect(enrolled).toMatch(/^\[ui\]\nof_an_admin=kept$/m)

    const before = door.asked.length
    door.document = catalogue.renderBlanking('linphone-desktop', 'linphone.xml', {
      mac: null,
      filler: new Secret('unused'),
    })!.body
    await phone.runUntil(async () => expect(await phone.settings()).not.toContain(ha1))
    const blanked = await phone.settings()
    for (const trace of [ha1, '1001', 'Ada', '*97', ada.sip.realm]) expect(blanked).not.toContain(trace)

    // The next start still asks, which the ledger shows, and has nothing left to register with.
    const registered = registrar.registrations.length
    const asked = door.asked.length
    await phone.runUntil(() => expect(door.asked.length).toBeGreaterThan(asked))
    expect(door.asked.slice(before).every((path) => path === '/p/steady/linphone.xml')).toBe(true)
    expect(registrar.registrations.length).toBe(registered)
  })

  test('keeps the client certificate that was put in by hand and shows it to the PBX, until it is blanked', async () => {
    const authority = makeTestAuthority('Ringfence test')
    const server = issueTestCertificate(authority, 'localhost', ['localhost'])
    const client = issueTestCertificate(authority, 'handset of Ada')
    const catalogue = await loadCatalogue(templatesFolder)
    const { sip, ...ada } = sampleValues({ mac: null })
    const ha1 = digestHa1(sip.username, sip.realm, sip.secret)
    const registrar = await startRegistrar(
      { ...server, clientAuthority: authority.certificate },
      { realm: sip.realm, ha1 },
    )
    cleanUps.push(() => registrar.close())
    const door = await startDoor(server)
    const provisioningUrl = `https://localhost:${door.port}/p/steady/`
    const phone = await freshLinphone(authority.certificate, `${provisioningUrl}linphone.xml`, client)

    door.document = catalogue.render('linphone-desktop', 'linphone.xml', {
      ...ada,
      provisioningUrl,
      sip: { ...sip, host: 'localhost', port: registrar.port },
    })!.body
    await phone.runUntil(() => expect(registrar.registrations.some((one) => one.accepted)).toBe(true))
    expect(registrar.registrations.find((one) => one.accepted)!.certificateName).toBe('handset of Ada')

    door.document = catalogue.renderBlanking('linphone-desktop', 'linphone.xml', {
      mac: null,
      filler: new Secret('unused'),
    })!.body
    await phone.runUntil(async () => expect(await phone.settings()).not.toContain('client.key'))
    expect(await phone.settings()).not.toContain('client.pem')
  })
})
