import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { connectionsPerHandset } from '../../src/hub/firewall-rules.ts'
import { monotonicMs } from '../lab/agent.ts'
import { tunnelNeeds, until } from '../lab/network.ts'
import { describeLive } from '../setup/requirements.ts'
import { branchAddress, hubAddress, hubOffice, signal } from './hub-office.ts'

const run = promisify(execFile)
const waitMs = 400

describeLive('a real hub between homes and a PBX', tunnelNeeds, () => {
  const at = hubOffice()
  const { newPhone, admit, expel, removePeer, flows, media } = at

  test('a handset reaches the PBX ports, the media ports and the phone door, and nothing else', async () => {
    const phone = await newPhone()
    const probe = (protocol: 'tcp' | 'udp', address: string, port: number) =>
      phone.agent.probe({ protocol, address, port, waitMs: 2_000 })
    expect(await probe('tcp', at.office.pbxAddress, 5061)).toBe('answered')
    expect(await probe('tcp', at.office.pbxAddress, 5062)).toBe('answered')
    expect(await probe('udp', at.office.pbxAddress, 10_000)).toBe('answered')
    expect(await probe('udp', at.office.pbxAddress, 20_000)).toBe('answered')
    expect(await probe('tcp', hubAddress, 8443)).toBe('answered')
    const closed = (protocol: 'tcp' | 'udp', address: string, port: number) =>
      phone.agent.probe({ protocol, address, port, waitMs })
    const forbidden = await Promise.all([
      closed('tcp', at.office.pbxAddress, 22),
      closed('tcp', at.office.pbxAddress, 8088),
      closed('udp', at.office.pbxAddress, 5060),
      closed('tcp', hubAddress, 22),
      closed('tcp', hubAddress, 8080),
      // The same services by the hub's address on the office side.
      closed('tcp', '10.91.0.1', 8080),
    ])
    // Dropped, not refused: silence also tells that no other rule answered.
    expect(forbidden).toEqual(forbidden.map(() => 'silent'))
    // They do listen: the office's side gets an answer from the very same ports.
    expect(await at.pbx.probe({ protocol: 'tcp', address: '10.91.0.1', port: 8080, waitMs })).toBe('answered')
    expect(await at.host.probe({ protocol: 'tcp', address: at.office.pbxAddress, port: 22, waitMs })).toBe('answered')
  }, 30_000)

  test('a handset reaches each of several PBXs at the ports of that one, and nowhere at those of another', async () => {
    const phone = await newPhone()
    const probe = (protocol: 'tcp' | 'udp', address: string, port: number, wait = waitMs) =>
      phone.agent.probe({ protocol, address, port, waitMs: wait })
    expect(await probe('tcp', branchAddress, 6061, 2_000)).toBe('answered')
    expect(await probe('udp', branchAddress, 30_000, 2_000)).toBe('answered')
    expect(await probe('tcp', at.office.pbxAddress, 5061, 2_000)).toBe('answered')
    const forbidden = await Promise.all([
      probe('tcp', branchAddress, 5061),
      probe('udp', branchAddress, 10_000),
      probe('tcp', at.office.pbxAddress, 6061),
    ])
    expect(forbidden).toEqual(['silent', 'silent', 'silent'])
  }, 30_000)

  test('one handset cannot hold all connections of the PBX, and may make new ones once it ended others', async () => {
    const [greedy, other] = [await newPhone(), await newPhone()]
    const sip = (port: number) => ({ protocol: 'tcp', address: at.office.pbxAddress, port }) as const
    for (let count = 0; count < connectionsPerHandset; count++)
      await greedy.agent.stream({ ...sip(count % 2 === 0 ? 5061 : 5062), everyMs: 60_000 })
    expect(await greedy.agent.probe({ ...sip(5061), waitMs })).toBe('silent')
    expect(await greedy.agent.probe({ ...sip(5062), waitMs })).toBe('silent')
    expect(await other.agent.probe({ ...sip(5061), waitMs: 2_000 })).toBe('answered')
    expect(await greedy.agent.probe({ protocol: 'tcp', address: hubAddress, port: 8443, waitMs: 2_000 })).toBe(
      'answered',
    )
    expect((await at.hub.client.readFirewall(signal())).rulesIntact).toBe(true)
    await greedy.agent.stopStreams(null)
    await until(async () => (await greedy.agent.probe({ ...sip(5061), waitMs })) === 'answered')
  }, 60_000)

  test('two handsets cannot reach each other, and neither PBX nor host can open a port on a handset', async () => {
    const [one, two] = [await newPhone(), await newPhone()]
    await two.agent.listen({ protocol: 'tcp', address: two.address, port: 80 })
    await two.agent.listen({ protocol: 'udp', address: two.address, port: 12_000 })
    // Both tunnels are up, so silence is the firewall's.
    for (const phone of [one, two]) {
      expect(await phone.agent.probe({ ...media, port: 10_000, waitMs: 6_000 })).toBe('answered')
    }
    const web = { protocol: 'tcp', address: two.address, port: 80, waitMs } as const
    expect(await one.agent.probe(web)).toBe('silent')
    expect(await one.agent.probe({ ...web, protocol: 'udp', port: 12_000 })).toBe('silent')
    expect(await at.pbx.probe(web)).toBe('silent')
    expect(await at.host.probe(web)).not.toBe('answered')
    expect(await two.agent.received(80)).toMatchObject({ count: 0 })
    expect(await two.agent.received(12_000)).toMatchObject({ count: 0 })
  }, 30_000)

  test("a removed peer's last packet passes within milliseconds, and the other phone hears no gap and no new handshake", async () => {
    const [leaver, other] = [await newPhone(), await newPhone()]
    await leaver.agent.stream({ ...media, port: 10_000, everyMs: 1 })
    await other.agent.stream({ ...media, port: 20_000, everyMs: 5 })
    await flows(leaver, 10_000)
    await flows(other, 20_000)
    const handshake = await other.client.lastHandshakeAt()
    const controlGapMs = await at.control.begin(5)
    const before = await other.agent.received(20_000)

    const startedAt = monotonicMs()
    await removePeer(leaver.client.publicKey)
    const returnedAt = monotonicMs()
    expect(await at.hub.client.readPeers([leaver.client.publicKey], signal())).toEqual([])
    await flows(other, 20_000, 100)

    const last = await at.pbx.received(10_000)
    expect(last.lastAtMs - returnedAt).toBeLessThan(50)
    expect(last.lastAtMs - startedAt).toBeLessThan(100)
    // The leaver still sends, and nothing arrives any more.
    await flows(other, 20_000, 50)
    expect((await at.pbx.received(10_000)).count).toBe(last.count)
    expect(await other.client.lastHandshakeAt()).toBe(handshake)
    const after = await other.agent.received(20_000)
    expect(after.longestGapMs).toBeLessThan(Math.max(200, before.longestGapMs + 1, 2 * (await controlGapMs())))
    await leaver.agent.stopStreams(null)
    await other.agent.stopStreams(null)
  }, 30_000)

  test("an expelled handset's running call and TCP connection die at once, in both directions", async () => {
    const [leaver, other] = [await newPhone(), await newPhone()]
    await leaver.agent.stream({ protocol: 'tcp', address: at.office.pbxAddress, port: 5061, everyMs: 5 })
    await leaver.agent.stream({ ...media, port: 10_000, everyMs: 5 })
    await other.agent.stream({ ...media, port: 20_000, everyMs: 5 })
    for (const port of [5061, 10_000]) await flows(leaver, port)
    await flows(other, 20_000)

    await expel(leaver.address)
    const expelledAt = monotonicMs()
    await flows(other, 20_000, 60)
    for (const port of [5061, 10_000]) {
      expect((await at.pbx.received(port)).lastAtMs - expelledAt).toBeLessThan(50)
      expect((await leaver.agent.received(port)).lastAtMs - expelledAt).toBeLessThan(50)
    }
    // Its tunnel still stands: it is the firewall alone that holds.
    expect(await at.hub.client.readPeers([leaver.client.publicKey], signal())).toHaveLength(1)
    await leaver.agent.stopStreams(null)
    await other.agent.stopStreams(null)
  }, 30_000)

  test('a peer that is put again as it is keeps its session', async () => {
    const phone = await newPhone()
    await phone.agent.stream({ ...media, port: 10_000, everyMs: 5 })
    await flows(phone, 10_000)
    const controlGapMs = await at.control.begin(5)
    const handshake = await phone.client.lastHandshakeAt()
    const spec = {
      publicKey: phone.client.publicKey,
      presharedKey: phone.presharedKey,
      allowedIps: [`${phone.address}/32`],
    }
    for (let round = 0; round < 20; round++) {
      await at.hub.client.applyPeers({ revision: at.hub.nextRevision(), put: [spec], remove: [] }, signal())
    }
    await flows(phone, 10_000, 50)
    expect((await phone.agent.received(10_000)).longestGapMs).toBeLessThan(Math.max(200, 2 * (await controlGapMs())))
    expect(await phone.client.lastHandshakeAt()).toBe(handshake)
    await phone.agent.stopStreams(null)
  }, 30_000)

  test('a table that somebody flushed is noticed and put back with its next change', async () => {
    const phone = await newPhone()
    const web = { protocol: 'tcp', address: at.office.pbxAddress, port: 22, waitMs } as const
    await at.office.hub.run('nft', 'flush', 'chain', 'inet', `ringfence_${at.hub.settings.interface}`, 'from_handsets')
    expect(await phone.agent.probe({ ...web, waitMs: 2_000 })).toBe('answered')
    const changed = await at.hub.client.readFirewall(signal())
    expect(changed.rulesIntact).toBe(false)
    expect(changed.admitted).toContain(`${phone.address}/32`)

    await admit(phone.address)
    expect((await at.hub.client.readFirewall(signal())).rulesIntact).toBe(true)
    expect(await phone.agent.probe(web)).toBe('silent')
  }, 30_000)

  test('a limit on connections that somebody raised is noticed', async () => {
    const table = ['inet', `ringfence_${at.hub.settings.interface}`]
    const rules = JSON.parse(await at.office.hub.run('nft', '-j', '-a', 'list', 'chain', ...table, 'from_handsets'))
    const found = rules.nftables.find((entry: unknown) => JSON.stringify(entry).includes('"ct count"'))
    const anything =
      'tcp dport { 5061, 5062, 6061, 6062 } ct state new add @sip4 { ip saddr ct count over 60000 } counter drop'
    await at.office.hub.run(
      'nft',
      'replace',
      'rule',
      ...table,
      'from_handsets',
      'handle',
      String(found.rule.handle),
      anything,
    )
    expect((await at.hub.client.readFirewall(signal())).rulesIntact).toBe(false)
    await admit((await newPhone()).address)
    expect((await at.hub.client.readFirewall(signal())).rulesIntact).toBe(true)
  }, 30_000)

  test('a hub process that is killed is started again, takes over its interface, and no phone notices', async () => {
    const phone = await newPhone()
    await phone.agent.stream({ ...media, port: 10_000, everyMs: 5 })
    await flows(phone, 10_000)
    const controlGapMs = await at.control.begin(5)
    const handshake = await phone.client.lastHandshakeAt()
    const admitted = (await at.hub.client.readFirewall(signal())).admitted
    const killed = at.hub.pid()!
    process.kill(killed, 'SIGKILL')
    await until(() => at.hub.pid() !== undefined && at.hub.pid() !== killed)
    await until(
      () =>
        at.hub.client.describe(signal()).then(
          () => true,
          () => false,
        ),
      15_000,
    )

    const description = await at.hub.client.describe(signal())
    expect(description.did).toContain(`took over the running interface ${at.hub.settings.interface}`)
    expect(description.publicKey).toBe(at.hubKey)
    expect(await at.hub.client.readPeers([phone.client.publicKey], signal())).toHaveLength(1)
    expect(await at.hub.client.readFirewall(signal())).toEqual({ admitted, rulesIntact: true })
    await flows(phone, 10_000, 50)
    expect((await phone.agent.received(10_000)).longestGapMs).toBeLessThan(Math.max(200, 2 * (await controlGapMs())))
    expect(await phone.client.lastHandshakeAt()).toBe(handshake)
    await phone.agent.stopStreams(null)
  }, 40_000)

  test('a stopped hub leaves no interface, firewall table, process or socket behind', async () => {
    const { interface: name, socketPath, dataFolder } = at.hub.settings
    const pid = Number(await readFile(join(dataFolder, `${name}.pid`), 'utf8'))
    expect(await readFile(`/proc/${pid}/cmdline`, 'utf8')).toContain('wireguard-go')
    await at.hub.stop()
    // Where the first process of a machine reaps no orphans, an empty entry stays in the list for a while.
    expect(await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).toBe('')
    expect(existsSync(`/var/run/wireguard/${name}.sock`)).toBe(false)
    expect(existsSync(socketPath)).toBe(false)
    expect(await at.office.hub.run('ip', '-o', 'link', 'show')).not.toContain(name)
    expect(await at.office.hub.run('nft', 'list', 'tables')).toBe('')
    expect(at.hub.pid()).toBe(undefined)
    // The key stays: with another one every handset would need a new configuration.
    expect((await run('stat', ['-c', '%a', join(dataFolder, 'hub.key')])).stdout.trim()).toBe('600')
  }, 30_000)
})
