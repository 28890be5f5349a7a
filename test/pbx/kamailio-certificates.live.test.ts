import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { kamailioDriver } from '../../src/pbx/kamailio/kamailio.ts'
import type { PbxAccount, PbxDriver } from '../../src/pbx/pbx-driver.ts'
import { makeAccount } from '../contracts/pbx-accounts.ts'
import { type RegistrarLab, startRegistrar } from '../lab/kamailio-registrar.ts'
import { connectSipPhone, type SipPhone } from '../lab/sip-client.ts'
import { issueTestCertificate, makeTestAuthority } from '../lab/test-certificates.ts'
import { describeLive } from '../setup/requirements.ts'

describeLive('certificates on a real Kamailio', ['kamailio', 'openssl'], () => {
  let lab: RegistrarLab
  let driver: PbxDriver
  const phones: SipPhone[] = []
  const limit = () => AbortSignal.timeout(20_000)
  const enforce = () => driver.revocations!.enforce(limit())
  const inForce = () => driver.revocations!.inForce(limit())
  const messages = async () => (await driver.describe(limit())).problems.map(({ message }) => message)

  beforeEach(async () => {
    lab = await startRegistrar()
    driver = kamailioDriver(lab.options)
    await driver.applyAccounts(accounts, limit())
    await enforce()
  })
  afterEach(async () => {
    await Promise.all(phones.splice(0).map((phone) => phone.close()))
    await lab?.stop()
  })

  const [ada, ben] = [makeAccount('1001'), makeAccount('1002')]
  const accounts = [ada, ben]

  async function phone(account: PbxAccount, certificate?: { certificate: string; key: string }): Promise<SipPhone> {
    const { username, secret } = account.credentials[0]!
    const connected = await connectSipPhone({
      host: '127.0.0.1',
      port: lab.options.mtlsPort,
      extension: account.extension,
      username,
      secret: secret.reveal(),
      ...(certificate ? { certificate } : {}),
    })
    phones.push(connected)
    return connected
  }
  const certificateOf = async (extension: string) => {
    const { serial, certificate, privateKey } = await lab.certificateFor(extension)
    return { serial, certificate, key: privateKey.reveal() }
  }
  /** 200, 403 …, or what became of the connection: with TLS 1.3 a refusal shows at the first request only. */
  const outcome = (account: PbxAccount, certificate?: { certificate: string; key: string }) =>
    phone(account, certificate)
      .then((one) => one.register())
      .then(({ status }) => status)
      .catch((error: Error) => (/alert|closed|ECONNRESET|disconnected/.test(String(error)) ? 'refused' : String(error)))

  test('only a certificate of Ringfence for this very extension registers it', async () => {
    const [adas, bens] = [await certificateOf('1001'), await certificateOf('1002')]
    expect(await outcome(ada, adas)).toBe(200)
    expect(await outcome(ben, bens)).toBe(200)
    expect(await outcome(ben, adas)).toBe(403)
    expect(await outcome(ada)).toBe('refused')
    expect(await outcome(ada, issueTestCertificate(makeTestAuthority('somebody else'), '1001'))).toBe('refused')
    const state = await driver.readAccounts(limit())
    expect(state.accounts.map(({ registrations }) => registrations.length)).toEqual([1, 1])
  })

  test('a revoked certificate loses its live connection at once and is refused from then on, and nobody else notices', async () => {
    const [adas, bens] = [await certificateOf('1001'), await certificateOf('1002')]
    const [leaver, stayer] = [await phone(ada, adas), await phone(ben, bens)]
    expect([(await leaver.register()).status, (await stayer.register()).status]).toEqual([200, 200])
    const number = await lab.publish([adas.serial])
    await enforce()
    expect(await inForce()).toBe(number)
    await vi.waitFor(() => expect(leaver.connected).toBe(false), { timeout: 2_000 })
    expect(await outcome(ada, adas)).toBe('refused')
    expect(stayer.connected).toBe(true)
    expect((await stayer.register()).status).toBe(200)
    expect(await outcome(ben, bens)).toBe(200)
  })

  test('a certificate that was taken back stays refused when the list is one from before, as after a restored copy', async () => {
    const adas = await certificateOf('1001')
    await lab.publish([adas.serial])
    await enforce()
    await lab.publish([])
    await enforce()
    expect(await outcome(ada, adas)).toBe('refused')
    await lab.kamailio.restart()
    expect(await outcome(ada, adas)).toBe('refused')
    expect(await outcome(ada, await certificateOf('1001'))).toBe(200)
  })

  test('the table of denied serials refuses a certificate also where the list does not name it, and after a restart', async () => {
    const adas = await certificateOf('1001')
    await lab.publish([adas.serial])
    await enforce()
    // An older list, put back by hand.
    const older = await lab.publish([])
    writeFileSync(join(lab.options.folder, 'handsets-crl.pem'), readFileSync(lab.options.revocationList.path))
    await lab.kamailio.restart()
    // Whether it was read at the start is not known within the first seconds.
    expect([null, older]).toContain(await inForce())
    expect(await outcome(ada, adas)).toBe('refused')
    expect(await outcome(ada, await certificateOf('1001'))).toBe(200)
  })

  test('a damaged list replaces nothing and is told', async () => {
    const adas = await certificateOf('1001')
    const number = await lab.publish([adas.serial])
    await enforce()
    writeFileSync(lab.options.revocationList.path, '-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n')
    await expect(enforce()).rejects.toMatchObject({ code: 'PBX_REFUSED', retryable: true })
    expect(await inForce()).toBe(number)
    expect(await outcome(ada, adas)).toBe('refused')
    expect(await outcome(ben, await certificateOf('1002'))).toBe(200)
  })

  test("a list that somebody damaged in Kamailio's folder is seen, told and put right", async () => {
    const adas = await certificateOf('1001')
    const number = await lab.publish([adas.serial])
    await enforce()
    expect(await messages()).toEqual([])
    writeFileSync(join(lab.options.folder, 'handsets-crl.pem'), 'nothing')
    expect(await inForce()).toBe(null)
    expect(await messages()).toEqual([expect.stringContaining('missing or damaged')])
    expect(await outcome(ada, adas)).toBe('refused')
    await enforce()
    expect(await inForce()).toBe(number)
    expect(await messages()).toEqual([])
  })

  test('a list that runs out is told before it locks everybody out, and a new one lets them in again', async () => {
    const bens = await certificateOf('1002')
    await lab.publish([], 14 * 86_400_000)
    await enforce()
    expect(await messages()).toEqual([expect.stringContaining('runs out in 13 days')])
    await lab.publish([], 1_000)
    await enforce()
    await vi.waitFor(async () => expect(await outcome(ben, bens)).toBe('refused'), { timeout: 5_000, interval: 200 })
    expect(await messages()).toEqual([expect.stringContaining('ran out: every phone with a certificate is refused')])
    await lab.publish([])
    await enforce()
    expect(await outcome(ben, bens)).toBe(200)
    expect(await messages()).toEqual([])
  })

  test('a new server certificate is taken over without a restart', async () => {
    const names = { commonName: 'new.test', dnsNames: ['new.test'], addresses: ['127.0.0.1'] }
    const server = await lab.authorities.service.issueServer({ ...names, now: new Date(), validDays: 2 })
    const shown = () =>
      connectSipPhone({
        host: '127.0.0.1',
        port: lab.options.port,
        extension: '1001',
        username: 'x',
        secret: 'x',
        trusts: { authority: lab.authorities.service.certificate, name: 'new.test' },
      }).then((one) => phones.push(one))
    await expect(shown()).rejects.toThrow(/altnames/)
    writeFileSync(lab.options.keyFile, server.privateKey.reveal())
    writeFileSync(lab.options.certificateFile, server.certificate)
    await enforce()
    await shown()
  })
})
