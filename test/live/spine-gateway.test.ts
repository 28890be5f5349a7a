import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { monotonicMs } from '../lab/agent.ts'
import type { Agent } from '../lab/agent-client.ts'
import { type DeskPhone, type Gateway, provision, setting, setUpGateway } from '../lab/desk-phone.ts'
import { fetchFrom } from '../lab/fetch.ts'
import { tunnelNeeds, until } from '../lab/network.ts'
import { liveCredentials, realCredentials } from '../lab/records.ts'
import { type CreatedEmployee, linksOf, openSpine, type Spine, untilShown } from '../lab/spine.ts'
import { describeLive } from '../setup/requirements.ts'

const media = { protocol: 'udp', address: '10.91.0.2' } as const
const mediaPort = 19_980
const leaverPort = 19_982
const macs = ['001565a1b2c3', '001565a1b2c4'] as const

describeLive('desk phones behind a home gateway', [...tunnelNeeds, 'asterisk', 'openssl'], () => {
  let spine: Spine
  let pbx: Agent
  let person: CreatedEmployee
  let gateway: Gateway
  let [first, second]: DeskPhone[] = []

  beforeAll(async () => {
    spine = await openSpine({}, { own: true })
    pbx = await spine.office.pbx.agent()
    await pbx.listen({ ...media, port: mediaPort })
    await pbx.listen({ ...media, port: leaverPort })
  })
  afterAll(async () => {
    await spine?.[Symbol.asyncDispose]()
  })

  const handsetOf = (mac: string) => {
    const found = person.handsets.find((handset) => handset.mac?.replaceAll(':', '') === mac)
    if (!found) throw new Error(`no handset ${mac}`)
    return found
  }

  test('two phones get all from the invite: they trust the PBX by the authority they were given and sign in with certificates', async () => {
    person = await spine.newcomer({
      name: 'Ida "الاسم"; Nowak',
      email: 'ida@example.com',
      extension: '1030',
      handsets: macs.map((mac) => ({ model: 'yealink-t54w', mac })),
      gateway: 'plain',
    })
    const browser = await spine.home()
    const { text: page } = await browser.get(`${person.invite.url}?key=server`)
    const links = linksOf(page, person.invite.url)
    const [, configurationUrl] = [...links].find(([name]) => name.endsWith('.conf'))!
    gateway = await setUpGateway(spine, page, (await browser.get(configurationUrl)).text)
    const phone = async (mac: string) =>
      provision(spine, await gateway.plugIn(handsetOf(mac).phoneAddress!), handsetOf(mac).provisioningUrl, {
        mac,
        extension: '1030',
      })
    first = await phone(macs[0])
    second = await phone(macs[1])
    expect(setting(first.settings, 'account.1.sip_server.1.port')).toBe(String(spine.asterisk.mtlsPort))
    for (const each of [first, second]) expect(await each.register()).toBe(200)
    // Each has a secret of its own, and neither trusts a PBX that another authority vouches for.
    expect(setting(first.settings, 'account.1.password')).not.toBe(setting(second.settings, 'account.1.password'))
    const otherAuthority = readFileSync(spine.publicAuthorityFile, 'utf8')
    expect(await first.register({ authority: otherAuthority })).toMatch(/certificate/i)
    // Asterisk sees the phone's own address in the phone network, so that it can tell the phones apart.
    expect(spine.asterisk.log()).toContain(`IPV4/TLS/${first.address}/`)
    await untilShown(spine, person.id, ({ access }) => access.every(({ verdict }) => verdict === 'converged'))
  })

  test('one phone is taken back, and the other on the same tunnel and extension goes on', async () => {
    await second!.agent.stream({ ...media, port: mediaPort, everyMs: 5 })
    await until(async () => (await second!.agent.received(mediaPort)).count > 50)
    await first!.agent.stream({ ...media, port: leaverPort, everyMs: 5 })
    await until(async () => (await pbx.received(leaverPort)).count > 50)
    await spine.removeHandset(handsetOf(macs[0]).id)
    const shown = await untilShown(
      spine,
      person.id,
      ({ access }) =>
        access.every(({ verdict }) => verdict === 'converged' || verdict === 'unverifiable') &&
        access.some(({ system, wanted }) => system === 'sip-account' && wanted === 'closed'),
    )
    // The gateway stays for the other phone: this one is shut by its address, and what nobody can see is said.
    expect(shown.access.filter(({ verdict }) => verdict === 'unverifiable')).toMatchObject([
      { system: 'tunnel', wanted: 'closed', problem: 'shared gateway, return the phone' },
    ])
    const [leaver, stayer] = [await pbx.received(leaverPort), await pbx.received(mediaPort)]
    await until(async () => (await pbx.received(mediaPort)).count > stayer.count + 100)
    expect((await pbx.received(leaverPort)).count).toBe(leaver.count)
    await first!.agent.stopStreams(null)
    expect(shown.lifecycle).toBe('active')
    expect(shown.tunnels).toHaveLength(1)
    await until(() => realCredentials(spine).join() === liveCredentials(spine).join())
    // Its own address is shut in the hub: it does not get as far as a refusal.
    expect(await first!.register()).toMatch(/no TLS handshake/)
    expect(await second!.register()).toBe(200)
    const { longestGapMs } = await second!.agent.received(mediaPort)
    expect(longestGapMs).toBeLessThan(1_000)
    await second!.agent.stopStreams(null)
  })

  test('the person leaves, and nothing of the phone network reaches the PBX any more', async () => {
    await spine.acknowledge(person.id, 'tunnel')
    await second!.agent.stream({ ...media, port: mediaPort, everyMs: 1 })
    const before = (await pbx.received(mediaPort)).count
    await until(async () => (await pbx.received(mediaPort)).count > before + 200)
    const clickedAt = monotonicMs()
    const shown = await spine.offboard(person.id, 10)
    const last = await pbx.received(mediaPort)
    console.log(`last packet of the phone network ${(last.lastAtMs - clickedAt).toFixed(1)} ms after the click`)
    expect(last.lastAtMs - clickedAt).toBeLessThan(250)
    expect(shown.lifecycle).toBe('offboarded')
    for (const line of shown.access.filter(({ acknowledged }) => acknowledged === null))
      expect(line).toMatchObject({ wanted: 'closed', verdict: 'converged' })
    expect(await second!.register()).not.toBe(200)
    expect((await pbx.received(mediaPort)).count).toBe(last.count)
    await second!.agent.stopStreams(null)

    // At its next look the phone gets the file that empties it.
    const url = `${setting(second!.settings, 'static.auto_provision.server.url')}${macs[1]}.cfg`
    const tombstone = await fetchFrom(second!.place, spine.publicAuthorityFile, url)
    expect(tombstone.status).toBe(200)
    expect(setting(tombstone.text, 'account.1.enable')).toBe('0')
    expect(tombstone.text).not.toContain(setting(second!.settings, 'account.1.password'))
    const bundle = setting(second!.settings, 'static.server_certificates.url')
    expect((await fetchFrom(second!.place, spine.publicAuthorityFile, bundle)).status).toBe(404)
  })
})
