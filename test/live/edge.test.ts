import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { edgeAccess } from '../../src/pbx/edge/edge-access.ts'
import { decimalSerial } from '../../src/pbx/edge/edge-tables.ts'
import { type EdgeHandset, type EdgeWorld, edgeWorld, limit } from '../lab/edge-world.ts'
import { describeLive } from '../setup/requirements.ts'

describeLive('a SIP edge in front of a real Asterisk', ['asterisk', 'kamailio', 'openssl'], () => {
  let world: EdgeWorld
  let ada: EdgeHandset
  beforeAll(async () => {
    world = await edgeWorld()
  }, 120_000)
  afterAll(() => world?.stop())

  test('a phone registers through the edge; Asterisk knows its true address and the way back, the phone sees its own contact', async () => {
    ada = await world.handset('1001', '127.0.0.11')
    const sip = await ada.connect()
    const answer = await sip.register()
    expect(answer).toMatchObject({ status: 200 })
    expect(answer.headers.get('contact')).toEqual([expect.stringContaining(`<sip:1001@${sip.localAddress};`)])
    const { accounts: inForce } = await world.driver.readAccounts(limit())
    expect(inForce.find(({ extension }) => extension === '1001')?.registrations).toMatchObject([
      { address: '127.0.0.11' },
    ])
    expect((await world.driver.describe(limit())).problems).toEqual([])
    expect(await world.judge(ada, 'open')).toMatchObject({
      state: 'as-desired',
      evidence: {
        summary: expect.stringMatching(/^the edge lets serial .{8}… speak for 1001 from 127\.0\.0\.11\/32$/),
      },
    })
  })

  test('two phones call each other through it, both ways, with keys for SRTP that it leaves as they are', async () => {
    const [one, other] = [await world.handset('1002', '127.0.0.12'), await world.handset('1003', '127.0.0.13')]
    const [ben, cleo] = [await one.connect(), await other.connect()]
    for (const each of [ben, cleo]) expect((await each.register()).status).toBe(200)
    for (const [from, to] of [
      [ben, cleo],
      [cleo, ben],
    ] as const) {
      const answer = await from.call(to === cleo ? '1003' : '1002')
      expect(answer.status).toBe(200)
      // The media of Asterisk itself: the edge has no hand in it.
      expect(answer.body).toMatch(/^c=IN IP4 127\.0\.0\.1\r?$/m)
      expect(answer.body).toMatch(/^m=audio \d+ RTP\/SAVP 8/m)
      expect(answer.body).toMatch(/^a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:/m)
      expect(to.calls).toHaveLength(1)
    }
    world.asterisk.cli('channel request hangup all')
    await Promise.all([ben.hungUp, cleo.hungUp])
  })

  test('a certificate for one extension opens no other, whatever From, To or user name say', async () => {
    const [mallory, other] = [await world.handset('1004', '127.0.0.14'), await world.handset('1005', '127.0.0.15')]
    const victim = other.account.credentials[0]!
    const as1005 = { extension: '1005', username: victim.username, secret: victim.secret.reveal() }
    expect(await mallory.attempt(as1005)).toBe(403)
    const sip = await mallory.connect(as1005)
    expect((await sip.call('600')).status).toBe(403)
    // Its own extension with somebody else's user name.
    expect(await mallory.attempt({ username: victim.username, secret: victim.secret.reveal() })).toBe(403)
    expect(await mallory.attempt()).toBe(200)
  })

  test('100 is not 1001, and 1001 is not 100', async () => {
    const short = await world.handset('100', '127.0.0.16')
    const own = ada.account.credentials[0]!
    expect(await short.attempt()).toBe(200)
    expect(await short.attempt({ extension: '1001', username: own.username, secret: own.secret.reveal() })).toBe(403)
    expect(await short.attempt({ username: own.username, secret: own.secret.reveal() })).toBe(403)
  })

  test('a certificate is worth nothing from outside of its tunnel, and Asterisk itself takes nothing past the edge', async () => {
    const ada = await world.handset('1006', '127.0.0.17')
    expect(await ada.attempt({ localAddress: '127.0.0.99' })).toBe(403)
    const { address: host, port, serverAuthority } = world.asterisk
    const trusts = { authority: serverAuthority.certificate, name: 'pbx.test' }
    // Asterisk's way to say no to an address: it asks for a password again and again, and notes why.
    expect(await ada.attempt({ host, port, trusts })).toBe(401)
    await vi.waitFor(() => expect(world.asterisk.log()).toMatch(/SecurityEvent="FailedACL".*AccountID="1006"/))
    expect(await ada.attempt()).toBe(200)
  })

  test.each([
    ['alone', ['127.0.0.64/28']],
    ['behind one that does not fit', ['10.9.9.0/24', '127.0.0.64/28']],
    ['before one that does not fit', ['127.0.0.64/28', '10.9.9.0/24']],
    ['beside one of IPv6', ['fd00::1/128', '127.0.0.64/28']],
  ])("a gateway's prefix, %s, lets its addresses in and not the one after it", async (_, prefixes) => {
    const ada = await world.handset('1013', '127.0.0.65')
    world.edge.wanted.bind(ada.issued, '1013', prefixes)
    await world.edge.publish()
    for (const [localAddress, status] of [
      ['127.0.0.65', 200],
      ['127.0.0.79', 200],
      ['127.0.0.80', 403],
      ['127.0.0.63', 403],
    ] as const)
      expect(await ada.attempt({ localAddress }), localAddress).toBe(status)
  })

  test('a phone that opened a second connection and closed it again is still called over the first', async () => {
    const ada = await world.handset('1014', '127.0.0.66')
    const caller = await (await world.handset('1015', '127.0.0.67')).connect()
    expect((await caller.register()).status).toBe(200)
    const first = await ada.connect()
    expect((await first.register()).status).toBe(200)
    for (const count of [1, 2]) {
      const second = await ada.connect()
      expect((await second.register()).status).toBe(200)
      await second.close()
      await vi.waitFor(async () => expect((await caller.call('1014')).status).toBe(200))
      expect(first.calls).toHaveLength(count)
      await caller.hangUp()
    }
    // Nothing is kept of what is over.
    const spoken = JSON.stringify(await world.edge.rpc.call('htable.dump', ['owner'], limit()))
    expect(spoken.split(ada.address)).toHaveLength(2)
    await world.edge.publish()
    const numbers = JSON.stringify(await world.edge.rpc.call('htable.dump', ['conn'], limit()))
    expect(numbers.split(decimalSerial(ada.issued.serial))).toHaveLength(2)
  })

  test('without a certificate, or with one that nobody bound, nobody speaks', async () => {
    const account = await world.account('1007')
    const issued = await world.edge.issue('1007')
    const certificate = { certificate: issued.certificate, key: issued.privateKey.reveal() }
    const unbound = await world.phone(account, { localAddress: '127.0.0.18', certificate })
    expect((await unbound.register()).status).toBe(403)
    await expect(world.phone(account, { localAddress: '127.0.0.18' }).then((sip) => sip.register())).rejects.toThrow()
  })

  test('a phone that can hold no certificate uses the other port, from its tunnel address alone', async () => {
    const account = await world.account('1008')
    world.edge.wanted.source('127.0.0.19', '1008')
    await world.edge.publish()
    const app = await world.phone(account, { port: world.edge.options.port, localAddress: '127.0.0.19' })
    expect((await app.register()).status).toBe(200)
    const ada = await world.handset('1009', '127.0.0.20')
    const caller = await ada.connect()
    await caller.register()
    expect((await caller.call('1008')).status).toBe(200)
    expect(app.calls).toHaveLength(1)
    // The one with a certificate has to show it.
    expect(await ada.attempt({ port: world.edge.options.port })).toBe(403)
    world.edge.wanted.source('127.0.0.19', null)
    await world.edge.publish()
    await vi.waitFor(() => expect(app.connected).toBe(false))
    const again = await world.phone(account, { port: world.edge.options.port, localAddress: '127.0.0.19' })
    expect((await again.register()).status).toBe(403)
  })

  test('a revoked phone loses its live connection at once and does not come back: by the deny table alone, and by the list alone', async () => {
    const [leaver, colleague] = [await world.handset('1010', '127.0.0.21'), await world.handset('1011', '127.0.0.22')]
    const [leaving, staying] = [await leaver.connect(), await colleague.connect()]
    for (const each of [leaving, staying]) expect((await each.register()).status).toBe(200)
    expect((await staying.call('600')).status).toBe(200)
    expect(await world.judge(leaver, 'closed')).toMatchObject({
      state: 'differs',
      problem: expect.stringMatching(/is not in the deny table and is still bound .* and still has a connection$/),
    })

    world.edge.wanted.revoke(leaver.issued)
    const system = edgeAccess(world.edge.keeper)
    const startedAt = performance.now()
    await system.apply([world.subject(leaver, 'closed')], limit())
    await vi.waitFor(() => expect(leaving.connected).toBe(false))
    console.log(`cut ${Math.round(performance.now() - startedAt)} ms after the request`)
    // The list that it has does not name the serial yet: the table alone refuses it.
    expect(await leaver.attempt()).toMatch(/closed the connection|ECONNRESET/)
    expect(await world.judge(leaver, 'closed')).toMatchObject({
      state: 'as-desired',
      evidence: {
        summary: expect.stringMatching(/^refused at the edge: serial .{8}… in the deny table, no connection of it$/),
      },
    })

    await world.edge.signList()
    await world.edge.publish()
    expect(await world.judge(leaver, 'closed')).toMatchObject({
      state: 'as-desired',
      evidence: {
        summary: expect.stringMatching(
          /^refused at the edge: serial .{8}… in the deny table and in revocation list \d+ that the edge loaded, no connection of it$/,
        ),
      },
    })
    // The list alone: somebody took the serial out of the tables and bound it again.
    const serial = BigInt(`0x${leaver.issued.serial}`).toString()
    await world.edge.rpc.call('htable.delete', ['deny', serial], limit())
    await world.edge.rpc.call('htable.sets', ['bind', serial, '1010|127.0.0.21/32'], limit())
    expect(await leaver.attempt()).toMatch(/revoked/i)
    await world.edge.publish()
    expect(await world.judge(leaver, 'closed')).toMatchObject({ state: 'as-desired' })

    // Nobody else noticed: the same connection, the same call.
    expect(staying.connected).toBe(true)
    expect((await staying.register()).status).toBe(200)
    expect(world.asterisk.cli('core show channels concise')).toMatch(/^PJSIP\/1011-/m)
    expect(await world.judge(colleague, 'open')).toMatchObject({ state: 'as-desired' })
  })
})
