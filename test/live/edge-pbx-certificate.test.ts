import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { describeEdge } from '../../src/pbx/edge/edge-description.ts'
import { type EdgeHandset, type EdgeWorld, edgeWorld, limit } from '../lab/edge-world.ts'
import { type FalsePbx, startFalsePbx } from '../lab/false-pbx.ts'
import { issueTestCertificate, makeTestAuthority, type TestCertificate } from '../lab/test-certificates.ts'
import { describeLive } from '../setup/requirements.ts'

/** Longer than the edge waits for the PBX (10 s). */
const patient = { timeoutMs: 15_000 }

/** Traffic to loopback only. */
describeLive('the certificate of the PBX behind a SIP edge', ['asterisk', 'kamailio', 'openssl'], () => {
  let world: EdgeWorld
  let [ada, ben]: EdgeHandset[] = []
  let other: FalsePbx | null = null
  beforeAll(async () => {
    world = await edgeWorld()
    ;[ada, ben] = [await world.handset('1001', '127.0.0.11'), await world.handset('1002', '127.0.0.12')]
  }, 120_000)
  afterEach(async () => {
    await other?.stop()
    other = null
  })
  afterAll(() => world?.stop())

  async function inItsPlace(identity: TestCertificate): Promise<FalsePbx> {
    await world.asterisk.halt()
    other = await startFalsePbx(world.asterisk, identity)
    return other
  }
  const named = (authority: TestCertificate) =>
    issueTestCertificate(authority, 'pbx.test', ['pbx.test', world.asterisk.address])
  const problems = async () => {
    const { keeper, rpc, options } = world.edge
    const told = await describeEdge({ keeper, rpc, fingerprint: 'not looked at', pbx: options.pbx }, limit())
    return told.problems.map(({ message }) => message).filter((message) => message.includes('certificate'))
  }

  test('is taken when it is of the authority that the edge was told: calls pass both ways, and `doctor` has nothing to say', async () => {
    const [one, two] = [await ada!.connect(), await ben!.connect()]
    for (const each of [one, two]) expect((await each.register()).status).toBe(200)
    expect((await one.call('600')).status).toBe(200)
    // The PBX dials the edge for this one.
    expect((await one.call('1002')).status).toBe(200)
    expect(two.calls).toHaveLength(1)
    expect(await problems()).toEqual([])
  })

  test('of another authority, whatever its name: the other one hears nothing, the phone is refused, and `doctor` says why', async () => {
    const stranger = named(makeTestAuthority('Ringfence test service CA'))
    const pbx = await inItsPlace(stranger)
    const sip = await ada!.connect(patient)
    expect(await sip.register()).toMatchObject({ status: 503, reason: 'PBX Not Reached' })
    expect((await sip.call('600')).status).toBe(503)
    expect(pbx.dialled()).toBeGreaterThanOrEqual(2)
    expect(pbx.heard()).toBe('')
    expect(await problems()).toEqual([
      expect.stringMatching(
        /^the PBX at 127\.0\.0\.1:\d+ shows a certificate that the edge does not take \([A-Z_]+\): no phone/,
      ),
    ])
    expect(world.edge.kamailio.log()).toContain('certificate verify failed')
  }, 60_000)

  test('is looked at after Kamailio took over a new revocation list as before', async () => {
    await world.edge.signList()
    await world.edge.publish()
    const pbx = await inItsPlace(named(makeTestAuthority('another CA')))
    expect(await ada!.attempt(patient)).toBe(503)
    expect(pbx.dialled()).toBeGreaterThan(0)
    expect(pbx.heard()).toBe('')
  }, 60_000)

  test('is looked at also when somebody at the address of the PBX dials the edge first, from the port of the PBX', async () => {
    await world.asterisk.halt()
    const { edge, asterisk } = world
    for (const port of [edge.options.pbxPort, edge.options.port]) {
      const { address: host } = edge.options
      const place = { host, port, localAddress: asterisk.address, localPort: asterisk.port }
      const socket = connect({ ...place, rejectUnauthorized: false })
      await once(socket, 'secureConnect')
      let heard = ''
      socket.on('data', (chunk: Buffer) => {
        heard += chunk.toString('latin1')
      })
      const closed = once(socket, 'close')
      const answer = await ada!.attempt(patient)
      await closed
      expect(heard).toBe('')
      expect(answer).toBe(477)
    }
  }, 60_000)

  test('may be a new one of the same authority', async () => {
    const { certificate, key } = named(world.asterisk.serverAuthority)
    await world.asterisk.halt()
    writeFileSync(join(world.asterisk.folder, 'keys/server.pem'), certificate)
    writeFileSync(join(world.asterisk.folder, 'keys/server.key'), key)
    await world.asterisk.start()
    const [one, two] = [await ada!.connect(), await ben!.connect()]
    for (const each of [one, two]) expect((await each.register()).status).toBe(200)
    expect((await one.call('1002')).status).toBe(200)
    expect(await problems()).toEqual([])
  }, 60_000)

  test('has no name for Kamailio: any certificate of that authority is taken, and one connection carries all', async () => {
    const pbx = await inItsPlace(
      issueTestCertificate(world.asterisk.serverAuthority, 'somebody.else', ['somebody.else']),
    )
    expect(await Promise.all([ada!.attempt(patient), ben!.attempt(patient)])).toEqual([503, 503])
    expect(pbx.heard().match(/^REGISTER sip:/gm)).toHaveLength(2)
    expect(pbx.dialled()).toBe(1)
    expect(await problems()).toEqual([])
  }, 60_000)
})

describeLive('a SIP edge that was told no authority', ['asterisk', 'kamailio', 'openssl'], () => {
  test('takes whatever certificate the PBX shows', async () => {
    const world = await edgeWorld({ isChecked: false })
    try {
      const ada = await world.handset('1001', '127.0.0.11')
      expect(await ada.attempt()).toBe(200)
      await world.asterisk.halt()
      const stranger = issueTestCertificate(makeTestAuthority('another CA'), 'pbx.test', ['pbx.test'])
      const pbx = await startFalsePbx(world.asterisk, stranger)
      expect(await ada.attempt(patient)).not.toBe(200)
      expect(pbx.heard()).toMatch(/^REGISTER sip:/)
      await pbx.stop()
    } finally {
      await world.stop()
    }
  }, 120_000)
})
