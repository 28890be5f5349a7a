import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { monotonicMs } from '../lab/agent.ts'
import type { Agent } from '../lab/agent-client.ts'
import { type ControlStream, openControlStream } from '../lab/control-stream.ts'
import { channelsOf, contactsOf, type Desk, moveIn, signIn, untilRegistered } from '../lab/desk.ts'
import { type Linphone, shareOf } from '../lab/linphone.ts'
import { countMedia, type MediaCounts } from '../lab/media-counters.ts'
import { tunnelNeeds, until } from '../lab/network.ts'
import { untilSwept } from '../lab/records.ts'
import { attemptToRegister } from '../lab/sip-attempt.ts'
import { hubAddress, names, openSpine, type Spine, untilShown } from '../lab/spine.ts'
import { describeLive } from '../setup/requirements.ts'

const run = promisify(execFile)
const adaHz = 400
const benHz = 700
const media = { protocol: 'udp', address: '10.91.0.2' } as const
const ports = { ada: 19_980, ben: 19_984 } as const
const systems = ['phone-door', 'tunnel', 'firewall', 'certificate', 'sip-account'] as const
/** Of a leaver also what goes on under the extension. */
const shut = [...systems.slice(0, -1), 'extension', 'sip-account'] as const

describeLive('one person comes, telephones and leaves', [...tunnelNeeds, 'asterisk', 'linphone', 'openssl'], () => {
  let spine: Spine
  let pbx: Agent
  let hub: Agent
  let control: ControlStream
  let [ada, ben, cleo]: Desk[] = []
  let [adaPhone, benPhone, danPhone]: Linphone[] = []
  let mediaOf: (phone: string) => Promise<MediaCounts>

  beforeAll(async () => {
    spine = await openSpine()
    pbx = await spine.office.pbx.agent()
    hub = await spine.office.hub.agent()
    control = await openControlStream()
    for (const port of Object.values(ports)) await pbx.listen({ ...media, port })
  })
  afterAll(async () => {
    for (const phone of [adaPhone, benPhone, danPhone]) await phone?.quit()
    await control?.[Symbol.asyncDispose]()
    await spine?.[Symbol.asyncDispose]()
  })

  const settingsOf = async (desk: Desk) => (await desk.home.get(steadyUrl(desk))).text
  const register = (from: Desk, who: Desk, settings: string, certificate?: { certificate: string; key: string }) =>
    attemptToRegister(from.home, from.folder, signIn(spine, who.extension, settings, certificate))
  const handshake = (desk: Desk) => desk.tunnel.lastHandshakeAt()

  test('the invite is all it takes: the tunnel comes up, and Linphone fetches its settings and signs in with its certificate', async () => {
    ada = await moveIn(spine, { name: 'Ada "the first" Byron', extension: '1001', toneHz: adaHz, answers: true })
    // Without a tunnel the PBX cannot be had from a home.
    const outside = await (await spine.home()).agent()
    const withoutTunnel = (port: number) =>
      outside.probe({ protocol: 'tcp', address: spine.asterisk.address, port, waitMs: 500 })
    for (const port of [spine.asterisk.port, spine.asterisk.mtlsPort])
      expect(await withoutTunnel(port)).not.toBe('answered')
    adaPhone = ada.startPhone()
    const contact = await untilRegistered(spine, '1001')
    expect(contact).toContain(`@${ada.tunnel.address}:`)
    expect(contact).toContain('transport=TLS')
    expect(await handshake(ada)).not.toBe(null)
    // The port in its settings is the one that lets nobody in without a certificate of the Handset CA.
    const log = readFileSync(join(ada.folder, 'log'), 'utf8')
    expect(log).toContain(`Trying to connect to [TLS://::ffff:${spine.asterisk.address}:${spine.asterisk.mtlsPort}]`)
    expect(log).toContain('found client  certificate')

    const shown = await spine.employee(ada.person.id)
    expect(shown.access.map(({ system, verdict }) => [system, verdict])).toEqual(
      systems.map((each) => [each, 'converged']),
    )
    // The private key of the tunnel is nobody's but the phone's once it has spoken.
    await until(async () => (await ada!.home.get(ada!.links.get('pbx-1001.conf')!)).status === 404, 15_000)
  })

  test('at its next start Linphone uses an address of its own, and the code of the invite is worthless', async () => {
    await adaPhone!.quit()
    adaPhone = ada!.startPhone(false)
    await untilRegistered(spine, '1001')
    await until(async () => (await ada!.home.get(ada!.settingsUrl)).status === 404)
    expect(steadyUrl(ada!)).not.toBe(ada!.settingsUrl)
  })

  test('a second phone calls the first, and both hear each other, encrypted', async () => {
    ben = await moveIn(spine, { name: 'Ben Okri', extension: '1002', toneHz: benHz })
    benPhone = ben.startPhone()
    await untilRegistered(spine, '1002')
    mediaOf = await countMedia(spine.office.pbx, [ada!.tunnel.address, ben.tunnel.address])
    benPhone.say('call 1001')
    for (const phone of [adaPhone!, benPhone]) await until(() => phone.shown().includes('Media streams established'))
    for (const phone of [adaPhone!, benPhone]) phone.speak()

    const enough = 100
    for (const desk of [ada!, ben]) {
      await until(async () => {
        const { encrypted } = await mediaOf(desk.tunnel.address)
        return encrypted.in >= enough && encrypted.out >= enough
      })
      expect((await mediaOf(desk.tunnel.address)).plain).toEqual({ in: 0, out: 0 })
    }
    // What each recorded is what the other said.
    for (const [phone, hz] of [
      [adaPhone!, benHz],
      [benPhone, adaHz],
    ] as const) {
      await until(() => shareOf(phone.heard().subarray(-4_000), hz, 8_000) > 0.9)
    }
    for (const extension of ['1001', '1002']) expect(channelsOf(spine, extension)).toHaveLength(1)
  })

  test('from a tunnel nothing but the PBX and the phone door was ever to be had', async () => {
    cleo = await moveIn(spine, { name: 'Cleo', extension: '1003', model: 'linphone-mobile' })
    const settings = await cleo.home.get(cleo.settingsUrl)
    // Her app holds no certificate; she gets in at the other port, and only there.
    expect(await register(cleo, cleo, settings.text)).toBe(200)
    const elsewhere = { ...signIn(spine, '1003', settings.text), port: spine.asterisk.mtlsPort }
    expect(await attemptToRegister(cleo.home, cleo.folder, elsewhere)).not.toBe(200)
    const inside = await cleo.home.get(`https://${names.door}:8443/crl/handsets.crl`, hubAddress)
    expect(inside.status).toBe(200)

    // A handset that sends whatever it likes into its tunnel.
    const device = /(rfc\S+)/.exec(await cleo.home.run('ip', '-o', 'link', 'show'))![1]!.replace(/[:@].*/, '')
    const key = (await cleo.home.run('wg', 'show', device, 'peers')).trim()
    await cleo.home.run('wg', 'set', device, 'peer', key, 'allowed-ips', '0.0.0.0/0')
    for (const prefix of ['10.77.0.0/16', '10.91.0.0/24'])
      await cleo.home.run('ip', 'route', 'add', prefix, 'dev', device)
    await pbx.listen({ protocol: 'tcp', address: '0.0.0.0', port: 22 })
    await hub.listen({ protocol: 'tcp', address: '0.0.0.0', port: 22 })
    await ben!.agent.listen({ protocol: 'tcp', address: '0.0.0.0', port: 80 })
    await ben!.agent.listen({ protocol: 'udp', address: ben!.tunnel.address, port: 9_000 })
    const probe = (protocol: 'tcp' | 'udp', address: string, port: number) =>
      cleo!.agent.probe({ protocol, address, port, waitMs: 700 })
    const found = await Promise.all([
      probe('tcp', spine.asterisk.address, 22),
      probe('tcp', spine.asterisk.address, spine.asterisk.ami.port),
      probe('udp', spine.asterisk.address, 5060),
      probe('udp', spine.asterisk.address, 9_999),
      probe('tcp', hubAddress, 22),
      probe('tcp', hubAddress, 443),
      probe('tcp', hubAddress, 8080),
      probe('tcp', '10.91.0.1', 443),
      probe('tcp', '10.91.0.1', 22),
      probe('tcp', ben!.tunnel.address, 80),
      probe('udp', ben!.tunnel.address, 9_000),
    ])
    expect(found).toEqual(found.map(() => 'silent'))
    // They are there for who may: the hub's own side gets an answer, and media ports answer through the tunnel.
    expect(await hub.probe({ protocol: 'tcp', address: spine.asterisk.address, port: 22, waitMs: 700 })).toBe(
      'answered',
    )
    expect(await probe('udp', spine.asterisk.address, ports.ada)).toBe('answered')
    // The console listens on loopback alone.
    expect(await ben!.agent.probe({ protocol: 'tcp', address: ben!.home.publicAddress, port: 8080, waitMs: 700 })).toBe(
      'refused',
    )
  })

  test('one click, and the leaver is out: no packet, no call, no sign-in, no settings, and the others hear nothing of it', async () => {
    const before = {
      settings: await settingsOf(ada!),
      certificate: readFileSync(join(ada!.folder, '1001-certificate.pem'), 'utf8'),
      key: readFileSync(join(ada!.folder, '1001-key.pem'), 'utf8'),
      benHandshake: await handshake(ben!),
      cleoHandshake: await handshake(cleo!),
      benContact: contactsOf(spine, '1002'),
    }
    expect(before.settings).toContain('ha1')
    await ada!.agent.stream({ ...media, port: ports.ada, everyMs: 1 })
    await ben!.agent.stream({ ...media, port: ports.ben, everyMs: 5 })
    const controlGapMs = await control.begin(5)
    await until(async () => (await pbx.received(ports.ada)).count > 300)
    await until(async () => (await ben!.agent.received(ports.ben)).count > 100)

    const clickedAt = monotonicMs()
    const shown = await spine.offboard(ada!.person.id, 10)
    const convergedAt = monotonicMs()

    const passed = await ben!.agent.received(ports.ben)
    await until(async () => (await ben!.agent.received(ports.ben)).count > passed.count + 100)
    const last = await pbx.received(ports.ada)
    const benGap = (await ben!.agent.received(ports.ben)).longestGapMs
    const controlGap = await controlGapMs()
    console.log(
      `last packet ${(last.lastAtMs - clickedAt).toFixed(1)} ms after the click, all proved after ${(convergedAt - clickedAt).toFixed(0)} ms; ` +
        `longest gap of the other phone ${benGap.toFixed(0)} ms, of an undisturbed stream ${controlGap.toFixed(0)} ms`,
    )
    // The benchmark holds the real figure; on a busy machine this still tells the click from the next sweep.
    expect(last.lastAtMs - clickedAt).toBeLessThan(250)
    expect(benGap).toBeLessThan(Math.max(200, 2 * controlGap))
    expect(await handshake(ben!)).toBe(before.benHandshake)
    expect(await handshake(cleo!)).toBe(before.cleoHandshake)
    expect(contactsOf(spine, '1002')).toEqual(before.benContact)

    expect(shown.lifecycle).toBe('offboarded')
    expect(shown.access.map(({ system, wanted, verdict }) => [system, wanted, verdict])).toEqual(
      shut.map((each) => [each, 'closed', 'converged']),
    )
    expect(contactsOf(spine, '1001')).toEqual([])
    for (const extension of ['1001', '1002']) expect(channelsOf(spine, extension)).toEqual([])
    await until(() => /Call 1 .*(ended|terminated)/i.test(benPhone!.shown()))
    // From somebody else's tunnel, with all that the leaver had: the door's secret and the certificate.
    const { certificate, key, settings } = before
    expect(await register(cleo!, ada!, settings, { certificate, key })).toBe(401)

    // The leaver goes on trying, and nothing arrives.
    expect((await pbx.received(ports.ada)).count).toBe(last.count)
    for (const desk of [ada!, ben!]) await desk.agent.stopStreams(null)
  })

  test('the certificate is in the published list, and openssl refuses it', async () => {
    const folder = spine.folder('crl')
    const list = await ada!.home.get(`https://${names.door}/crl/handsets.crl`)
    writeFileSync(join(folder, 'list.der'), Buffer.from(list.bytes, 'base64'))
    await run('openssl', ['crl', '-inform', 'DER', '-in', join(folder, 'list.der'), '-out', join(folder, 'list.pem')])
    const serial = ada!.person.handsets[0]!.certificate!.serial
    const { stdout } = await run('openssl', ['crl', '-in', join(folder, 'list.pem'), '-noout', '-text'])
    expect(stdout).toContain(`Serial Number: ${serial.toUpperCase()}`)
    const verify = (file: string) =>
      run('openssl', [
        'verify',
        '-crl_check',
        '-CAfile',
        spine.handsetAuthorityFile,
        '-CRLfile',
        join(folder, 'list.pem'),
        file,
      ])
    await expect(verify(join(ada!.folder, '1001-certificate.pem'))).rejects.toMatchObject({
      stderr: expect.stringContaining('certificate revoked'),
    })
    expect((await verify(join(ben!.folder, '1002-certificate.pem'))).stdout).toContain('OK')
  })

  test('the old addresses give nothing but the document that empties the app, and Linphone takes it', async () => {
    const blanking = await ada!.home.get(steadyUrl(ada!))
    expect(blanking.status).toBe(200)
    expect(blanking.text).not.toMatch(/1001|[0-9a-f]{32}|https?:\/\/phones/)
    for (const url of [ada!.person.invite.url, ada!.settingsUrl, ...ada!.links.values()]) {
      expect((await ada!.home.get(url)).status).toBe(404)
    }
    await adaPhone!.quit()
    expect(adaPhone!.settings()).toMatch(/^ha1=[0-9a-f]{32}$/m)
    adaPhone = ada!.startPhone(false)
    await until(() => !/^(ha1|userid|reg_identity)=./m.test(adaPhone!.settings()))
    expect(contactsOf(spine, '1001')).toEqual([])
  })

  test('a phone that is taken back while it is in a call that somebody else began is cut off, and its owner keeps the other one', async () => {
    const dan = await moveIn(spine, { name: 'Dan', extension: '1004', answers: true })
    danPhone = dan.startPhone()
    await untilRegistered(spine, '1004')
    await spine.addHandset(dan.person.id, 'linphone-mobile')
    benPhone!.say('call 1004')
    await until(() => danPhone!.shown().includes('Media streams established'))
    expect(channelsOf(spine, '1004')).toHaveLength(1)

    await spine.removeHandset(dan.person.handsets[0]!.id)
    // That it ends is what counts here; how fast is the benchmark's business.
    await until(() => channelsOf(spine, '1004').length === 0 && contactsOf(spine, '1004').length === 0, 20_000)
    const shown = await untilShown(spine, dan.person.id, ({ access }) =>
      access.every(({ verdict }) => verdict === 'converged'),
    )
    const accounts = shown.access.filter(({ system }) => system === 'sip-account')
    expect(accounts.map(({ wanted }) => wanted).sort()).toEqual(['closed', 'open'])
    expect(shown.lifecycle).toBe('active')
  })

  test('the leaver file says who, when and what was seen, and changes no more', async () => {
    const report = await spine.report(ada!.person.id)
    // Her phone asked once more, and got the document that empties it: that came after the file was frozen.
    expect(report).toMatchObject({
      complete: true,
      employee: { extension: '1001' },
      addenda: [{ kind: 'handset.blanked' }],
    })
    expect(report.doors.map(({ system }) => system).sort()).toEqual([...shut].sort())
    for (const door of report.doors) {
      expect(door).toMatchObject({ wanted: 'closed', verdict: 'converged' })
      expect(door.evidence!.summary).not.toBe('')
    }
    expect(report.handsets[0]!.certificateSerials).toEqual([ada!.person.handsets[0]!.certificate!.serial])
    // Sweeps go on for leavers; an unchanged world changes no file.
    await untilSwept(spine)
    expect((await spine.report(ada!.person.id)).doors).toEqual(report.doors)
  })
})

/** Where the app asks from its second start on: it wrote that down itself. */
function steadyUrl(desk: Desk): string {
  const url = /^config-uri=(\S+)$/m.exec(readFileSync(join(desk.folder, 'linphonerc'), 'utf8'))?.[1]
  if (url === undefined) throw new Error('Linphone knows no address of its settings')
  return url
}
