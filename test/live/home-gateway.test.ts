import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Agent } from '../lab/agent-client.ts'
import { type DeskPhone, provision, setting } from '../lab/desk-phone.ts'
import { fetchFrom } from '../lab/fetch.ts'
import {
  type HomeGateway,
  homeGatewayNeeds,
  type LeasedPhone,
  readByNetworkd,
  setUpHomeGateway,
} from '../lab/home-gateway.ts'
import { until } from '../lab/network.ts'
import { type CreatedEmployee, linksOf, openSpine, type Spine, type SpineHome, untilShown } from '../lab/spine.ts'
import { describeLive } from '../setup/requirements.ts'

const macs = ['001565a1b2c3', '001565a1b2c4'] as const
const pbxAddress = '10.91.0.2'
const mediaPort = 19_980
const phonePort = 5_061
const nearby = { protocol: 'tcp', address: '0.0.0.0', port: 9_999 } as const

describeLive('a home gateway made of the files of our own script', [...homeGatewayNeeds, 'asterisk', 'openssl'], () => {
  let spine: Spine
  let home: SpineHome
  let person: CreatedEmployee
  let script: string
  let gateway: HomeGateway
  let plugged: LeasedPhone
  let phone: DeskPhone
  let [pbx, pc, hub, router]: Agent[] = []

  beforeAll(async () => {
    spine = await openSpine({}, { own: true })
    home = await spine.home()
    // The server looks the phone door's name up for the firewall of the home: it sees what the home will see.
    spine.nameService(spine.office.hub, home)
    await spine.server.stop()
    await spine.server.start()
    const computer = await spine.office.namespace('pc')
    await spine.office.link(home, '192.168.77.1/24', computer, '192.168.77.2/24')
    await computer.run('ip', 'route', 'add', 'default', 'via', '192.168.77.1')
    ;[pbx, pc, hub, router] = await Promise.all(
      [spine.office.pbx, computer, spine.office.hub, home].map((place) => place.agent()),
    )
    await pbx!.listen({ protocol: 'udp', address: pbxAddress, port: mediaPort })
    await pc!.listen(nearby)
    await hub!.listen(nearby)
  })
  afterAll(async () => {
    await spine?.[Symbol.asyncDispose]()
  })

  test('the script of the invite hands its key over, and systemd-networkd takes every line of its files', async () => {
    person = await spine.newcomer({
      name: 'Ida Nowak',
      email: 'ida@example.com',
      extension: '1030',
      handsets: macs.map((mac) => ({ model: 'yealink-t54w', mac })),
      gateway: 'networkd',
    })
    const { text: page } = await home.get(person.invite.url)
    const [, url] = [...linksOf(page, person.invite.url)].find(([name]) => name.endsWith('.sh'))!
    script = (await home.get(url)).text
    gateway = await setUpHomeGateway(spine.office, home, script, spine.folder('gateway'), spine.publicAuthorityFile)
    expect(gateway.said).toMatch(/^ringfence: the phones' network is \S+ on \S+\.$/)
    expect(gateway.told).toEqual([
      'daemon-reload',
      'enable -q systemd-networkd.service ringfence-firewall.service ringfence-dnsmasq.service',
      // Nothing is forwarded before the rules are there.
      'restart ringfence-firewall.service',
      'restart systemd-networkd.service',
      'restart ringfence-dnsmasq.service',
    ])

    const read = await readByNetworkd(await spine.office.namespace('look'), gateway.networkFolder)
    expect(read).toContain(`${gateway.tunnel}: loaded "wireguard"`)
    // What it does not take it names with file and line.
    expect(read).not.toContain('60-ringfence-')

    await untilShown(spine, person.id, ({ access }) =>
      access.some(({ system, verdict }) => system === 'tunnel' && verdict === 'converged'),
    )
  })

  test('a phone gets the address that is reserved for it and the address of its settings, a stranger gets none', async () => {
    plugged = await gateway.plugIn(macs[0])
    const second = await gateway.plugIn(macs[1])
    const reserved = person.handsets.map(({ phoneAddress }) => phoneAddress)
    expect([plugged.address, second.address]).toEqual(reserved)
    expect(plugged.options[66]).toMatch(/^https:\/\/phones\.ringfence\.test\/p\/[\w-]+\/$/)
    expect(plugged.options[160]).toBe(plugged.options[66])
    await expect(gateway.plugIn('001565ffffff')).rejects.toThrow()
  })

  test('it fetches its first file there, signs in at the PBX and hears it, without knowing of any tunnel', async () => {
    phone = await provision(spine, plugged, plugged.options[66]!, { mac: macs[0], extension: '1030' })
    expect(await phone.register()).toBe(200)
    expect(spine.asterisk.log()).toContain(`IPV4/TLS/${plugged.address}/`)
    await phone.agent.stream({ protocol: 'udp', address: pbxAddress, port: mediaPort, everyMs: 5 })
    await until(async () => (await phone.agent.received(mediaPort)).count > 20)
    await phone.agent.stopStreams(null)
    // The PBX begins: its speech may come before the phone's own.
    await phone.agent.listen({ protocol: 'udp', address: '0.0.0.0', port: phonePort })
    await until(async () => {
      await sendFromPbx(spine, plugged.address)
      return (await phone.agent.received(phonePort)).count > 0
    })
  })

  test('nothing at home reaches the phone, and the phone reaches nothing but the PBX and its settings', async () => {
    const listening = { ...nearby, port: 9_998 }
    await phone.agent.listen(listening)
    const probe = (from: Agent, address: string, port: number = nearby.port) =>
      from.probe({ protocol: 'tcp', address, port, waitMs: 1_000 })
    // What is asked for below is there; the phone itself is reached in the last test.
    expect(await probe(router!, home.publicAddress)).toBe('answered')
    expect(await probe(router!, '192.168.77.2')).toBe('answered')

    expect(await probe(pc!, phone.address, listening.port)).toBe('silent')
    expect(await probe(phone.agent, '192.168.77.2')).toBe('silent')
    expect(await probe(phone.agent, home.publicAddress)).toBe('silent')
    expect(await probe(pc!, pbxAddress, spine.asterisk.port)).toBe('silent')
    await router!.listen({ ...nearby, port: 8_080 })
    expect(await probe(pc!, '192.168.77.1', 8_080)).toBe('answered')
    expect(await probe(phone.agent, '192.168.77.1', 8_080)).toBe('silent')
    expect(await probe(hub!, phone.address, listening.port)).toBe('silent')
  })

  test('after offboarding nothing passes, while the file that empties the phone can still be fetched', async () => {
    await phone.agent.stream({ protocol: 'udp', address: pbxAddress, port: mediaPort, everyMs: 5 })
    const before = (await pbx!.received(mediaPort)).count
    await until(async () => (await pbx!.received(mediaPort)).count > before + 50)
    const shown = await spine.offboard(person.id, 10)
    expect(shown.lifecycle).toBe('offboarded')
    for (const line of shown.access) expect(line).toMatchObject({ wanted: 'closed', verdict: 'converged' })
    const last = (await pbx!.received(mediaPort)).count
    const sent = (await phone.agent.received(mediaPort)).count
    expect(await phone.register()).not.toBe(200)
    expect((await pbx!.received(mediaPort)).count).toBe(last)
    expect((await phone.agent.received(mediaPort)).count).toBe(sent)
    await phone.agent.stopStreams(null)
    const url = `${setting(phone.settings, 'static.auto_provision.server.url')}${macs[0]}.cfg`
    const tombstone = await fetchFrom(phone.place, spine.publicAuthorityFile, url)
    expect(tombstone.status).toBe(200)
    expect(setting(tombstone.text, 'account.1.enable')).toBe('0')
  })

  test('it was the rules that held: without them the computer at home reaches the phone', async () => {
    await gateway.withoutRules()
    const reached = await pc!.probe({ protocol: 'tcp', address: phone.address, port: 9_998, waitMs: 2_000 })
    expect(reached).toBe('answered')
  })
})

/** One datagram of a new conversation, from a port of the PBX's range. */
async function sendFromPbx(spine: Spine, address: string): Promise<void> {
  const words = `const s=require('node:dgram').createSocket('udp4');s.bind(19984,()=>s.send('x',${phonePort},'${address}',()=>s.close()))`
  await spine.office.pbx.run(process.execPath, '-e', words)
}
