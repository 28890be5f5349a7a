import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { channelsOf, contactsOf, type Desk, moveIn, signIn, untilRegistered } from '../lab/desk.ts'
import { type EdgeSpine, openEdgeSpine } from '../lab/edge-spine.ts'
import type { KamailioLab } from '../lab/kamailio.ts'
import { type Linphone, shareOf } from '../lab/linphone.ts'
import { countMedia } from '../lab/media-counters.ts'
import { tunnelNeeds, until } from '../lab/network.ts'
import { attemptToRegister } from '../lab/sip-attempt.ts'
import { edgeAddress, lineOf, type Spine, untilShown } from '../lab/spine.ts'
import { describeLive } from '../setup/requirements.ts'

const needs = [...tunnelNeeds, 'asterisk', 'kamailio', 'linphone', 'openssl'] as const
const [adaHz, benHz] = [400, 700]

describeLive('a SIP edge between the tunnels and Asterisk', needs, () => {
  let world: EdgeSpine
  let spine: Spine
  let kamailio: KamailioLab
  let [ada, ben, cleo]: Desk[] = []
  let [adaPhone, benPhone]: Linphone[] = []
  let mediaOf: Awaited<ReturnType<typeof countMedia>>

  beforeAll(async () => {
    world = await openEdgeSpine({ own: true })
    spine = world.spine
    kamailio = world.kamailio
    expect(world.written).toEqual(['tls.cfg', 'kamailio.cfg', 'README.txt'].map((name) => join(kamailio.folder, name)))
    // The PBX's certificate is Ringfence's own: the edge checks it without being told.
    expect(readFileSync(join(kamailio.folder, 'tls.cfg'), 'utf8').split('[client:default]')[1]).toContain(
      `ca_list = ${world.folder}/service-ca.crt\nverify_certificate = yes`,
    )
  }, 120_000)
  afterAll(async () => {
    for (const phone of [adaPhone, benPhone]) await phone?.quit()
    await world?.[Symbol.asyncDispose]()
  })

  test('Linphone signs in through it with its certificate, and Asterisk alone is not to be had from a tunnel', async () => {
    ada = await moveIn(spine, { name: 'Ada Byron', extension: '1001', toneHz: adaHz, answers: true })
    adaPhone = ada.startPhone()
    const contact = await untilRegistered(spine, '1001')
    expect(contact).toContain(`@${ada.tunnel.address}:`)
    const shown = await untilShown(spine, ada.person.id, ({ access }) =>
      access.every(({ verdict }) => verdict === 'converged'),
    )
    expect(lineOf(shown, 'edge').evidence?.summary).toContain(`speak for 1001 from ${ada.tunnel.address}/32`)
    const probe = (address: string, port: number) => ada!.agent.probe({ protocol: 'tcp', address, port, waitMs: 700 })
    for (const port of [spine.asterisk.port, spine.asterisk.mtlsPort])
      expect(await probe(spine.asterisk.address, port)).toBe('silent')
    // The PBX's and Ringfence's own sides of the edge neither.
    for (const port of [5063, 5064]) expect(await probe(edgeAddress, port)).toBe('silent')
  })

  test('two of them talk through it, encrypted, straight to Asterisk', async () => {
    ben = await moveIn(spine, { name: 'Ben Okri', extension: '1002', toneHz: benHz, answers: true })
    benPhone = ben.startPhone()
    await untilRegistered(spine, '1002')
    mediaOf = await countMedia(spine.office.pbx, [ada!.tunnel.address, ben.tunnel.address])
    benPhone.say('call 1001')
    for (const phone of [adaPhone!, benPhone]) await until(() => phone.shown().includes('Media streams established'))
    for (const phone of [adaPhone!, benPhone]) phone.speak()
    for (const desk of [ada!, ben]) {
      await until(async () => {
        const { encrypted } = await mediaOf(desk.tunnel.address)
        return encrypted.in >= 100 && encrypted.out >= 100
      })
      expect((await mediaOf(desk.tunnel.address)).plain).toEqual({ in: 0, out: 0 })
    }
    for (const [phone, hz] of [
      [adaPhone!, benHz],
      [benPhone, adaHz],
    ] as const)
      await until(() => shareOf(phone.heard().subarray(-4_000), hz, 8_000) > 0.9)
  })

  test('the other way round too', async () => {
    for (const phone of [adaPhone!, benPhone!]) phone.say('terminate')
    await until(() => ['1001', '1002'].every((extension) => channelsOf(spine, extension).length === 0))
    const before = await Promise.all([ada!, ben!].map(async ({ tunnel }) => (await mediaOf(tunnel.address)).encrypted))
    const counts = [adaPhone!, benPhone!].map((phone) => phone.shown().length)
    adaPhone!.say('call 1002')
    for (const [at, phone] of [adaPhone!, benPhone!].entries())
      await until(() => phone.shown().slice(counts[at]).includes('Media streams established'), 30_000)
    for (const [at, { tunnel }] of [ada!, ben!].entries()) {
      await until(async () => {
        const { encrypted } = await mediaOf(tunnel.address)
        return encrypted.in >= before[at]!.in + 100 && encrypted.out >= before[at]!.out + 100
      })
      expect((await mediaOf(tunnel.address)).plain).toEqual({ in: 0, out: 0 })
    }
  })

  test('a certificate is worth nothing from another tunnel, and none speaks for another extension', async () => {
    const loginOf = async (desk: Desk) => {
      const url = /^config-uri=(\S+)$/m.exec(readFileSync(join(desk.folder, 'linphonerc'), 'utf8'))![1]!
      return (await desk.home.get(url)).text
    }
    const certificateOf = ({ folder, extension }: Desk) => ({
      certificate: readFileSync(join(folder, `${extension}-certificate.pem`), 'utf8'),
      key: readFileSync(join(folder, `${extension}-key.pem`), 'utf8'),
    })
    const asked = async (login: Desk, certificate: Desk) =>
      attemptToRegister(ben!.home, ben!.folder, {
        ...signIn(spine, login.extension, await loginOf(login), certificateOf(certificate)),
        host: edgeAddress,
      })
    expect(await asked(ben!, ben!)).toBe(200)
    expect(await asked(ada!, ada!)).toBe(403)
    expect(await asked(ada!, ben!)).toBe(403)
  })

  test('an app that can hold no certificate signs in from its own tunnel, and from no other', async () => {
    cleo = await moveIn(spine, { name: 'Cleo', extension: '1003', model: 'linphone-mobile' })
    const { text } = await cleo.home.get(cleo.settingsUrl)
    const at = { ...signIn(spine, '1003', text), host: edgeAddress }
    expect(at.port).toBe(5061)
    await until(async () => (await attemptToRegister(cleo!.home, cleo!.folder, at)) === 200, 30_000)
    expect(await attemptToRegister(ben!.home, ben!.folder, at)).toBe(403)
  })

  test('doctor finds nothing wrong with it', async () => {
    const { body } = await spine.server.api('GET', '/api/v1/doctor')
    const checks = (body as { checks: { area: string; state: string; message: string }[] }).checks
    expect(checks.filter(({ area }) => area === 'edge')).toMatchObject([
      {
        state: 'ok',
        message: expect.stringMatching(/^2 certificates and 1 phone without one are bound, 0 denied, list \d+ loaded$/),
      },
    ])
  })

  test('one click, and the leaver is refused at the edge; the call is over, and nobody else noticed', async () => {
    const before = contactsOf(spine, '1002')
    for (const extension of ['1001', '1002']) expect(channelsOf(spine, extension)).toHaveLength(1)
    const shown = await spine.offboard(ada!.person.id, 10)
    expect(shown.access.map(({ system, wanted, verdict }) => [system, wanted, verdict])).toEqual(
      ['phone-door', 'tunnel', 'firewall', 'certificate', 'edge', 'extension', 'sip-account'].map((each) => [
        each,
        'closed',
        'converged',
      ]),
    )
    expect(lineOf(shown, 'edge').evidence?.summary).toMatch(/^refused at the edge: serial .{8}… in the deny table/)
    expect(lineOf(shown, 'certificate').evidence?.summary).toMatch(
      /published in revocation list \d+; whether the edge refuses it: see the line edge$/,
    )
    expect(channelsOf(spine, '1001')).toEqual([])
    expect(contactsOf(spine, '1001')).toEqual([])
    expect(contactsOf(spine, '1002')).toEqual(before)
    const listed = await untilShown(spine, ada!.person.id, (person) =>
      /and in revocation list \d+ that the edge loaded/.test(lineOf(person, 'edge').evidence?.summary ?? ''),
    )
    expect(listed.lifecycle).toBe('offboarded')
    await until(() => channelsOf(spine, '1002').length === 0)
    const count = benPhone!.shown().length
    benPhone!.say('call 600')
    await until(() => benPhone!.shown().slice(count).includes('Media streams established'), 30_000)
  })

  test('started again it knows everybody by itself, and the phones come back', async () => {
    benPhone!.say('terminate')
    await until(() => channelsOf(spine, '1002').length === 0)
    await kamailio.restart()
    await until(async () => {
      const shown = await spine.employee(ben!.person.id)
      return lineOf(shown, 'edge').verdict === 'converged'
    })
    const count = benPhone!.shown().length
    benPhone!.say('call 600')
    await until(() => benPhone!.shown().slice(count).includes('Media streams established'), 30_000)
  })

  test('Linphone may dial what was chosen, also when Asterisk is not set up to know of it, and a call ends with its minutes', async () => {
    const plan = { countryCode: '49', internationalPrefix: '00', nationalPrefix: '0', emergencyNumbers: ['112'] }
    expect((await spine.server.api('PUT', '/api/v1/dial-plan', plan)).status).toBe(200)
    const choose = async (calls: object) => {
      const { status } = await spine.server.api('PUT', `/api/v1/employees/${ben!.person.id}/calls`, { calls })
      expect(status).toBe(200)
      const wanted = Object.entries(calls).map(([name, value]) => (name === 'class' ? value : `${name}=${value}`))
      await until(async () => (await world.ask('htable.get', ['policy', '1002'])).includes(wanted.join(' ')))
    }
    const phone = benPhone!
    const after = async (words: string, shows: RegExp) => {
      const count = phone.shown().length
      phone.say(words)
      await until(() => shows.test(phone.shown().slice(count)), 30_000)
    }
    phone.say('terminate')
    await until(() => channelsOf(spine, '1002').length === 0)
    await choose({ class: 'internal' })
    await after('call 600', / error\./)
    expect(channelsOf(spine, '1002')).toEqual([])
    await choose({ class: 'local', minutesPerHour: 1 })
    const key = `1002:seconds:h${Math.floor(Date.now() / 3_600_000)}`
    await world.ask('htable.seti', ['ringfence_spent', key, 55])
    await after('call 600', /Media streams established/)
    const count = phone.shown().length
    await until(() => /ended/i.test(phone.shown().slice(count)), 20_000)
    await until(() => channelsOf(spine, '1002').length === 0)
    expect(contactsOf(spine, '1002')).not.toEqual([])
  })
})
