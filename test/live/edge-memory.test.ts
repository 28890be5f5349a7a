import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { edgeAccess } from '../../src/pbx/edge/edge-access.ts'
import { describeEdge } from '../../src/pbx/edge/edge-description.ts'
import { scarceMemory } from '../../src/pbx/edge/edge-keeper.ts'
import { freeMemory } from '../../src/pbx/kamailio/kamailio-memory.ts'
import { type EdgeWorld, edgeWorld, limit } from '../lab/edge-world.ts'
import { describeLive } from '../setup/requirements.ts'

/** Some 24 MB of it are free after a start, and each list costs 0.4 MB (seen with 5.6.3): there is room for some twenty. */
const memoryMb = 32
const mostLists = 80

describeLive('a SIP edge whose shared memory runs out', ['asterisk', 'kamailio', 'openssl'], () => {
  let world: EdgeWorld
  beforeAll(async () => {
    world = await edgeWorld({ memoryMb })
  }, 120_000)
  afterAll(() => world?.stop())

  test('is handed no further list before it refuses everybody; its deny table goes on, and a restart mends it', async () => {
    const { edge } = world
    const [leaver, colleague] = await world.handsets([
      ['4001', '127.0.0.61'],
      ['4002', '127.0.0.62'],
    ])
    const [leaving, staying] = [await leaver!.connect(), await colleague!.connect()]
    for (const each of [leaving, staying]) expect((await each.register()).status).toBe(200)

    const refusal = await listsUntilRefused(world)
    expect(refusal).toMatchObject({
      code: 'PBX_REFUSED',
      retryable: true,
      message: 'the edge has too little memory left to take over a new revocation list',
      hint: expect.stringContaining('-m'),
    })
    expect(await freeMemory(edge.rpc, limit())).toBeLessThan(scarceMemory)
    // A connection that closes gives a little back: farther away from the border it stays beneath.
    for (let count = 0; count < 5; count++) await edge.rpc.call('tls.reload', [], limit())
    const { problems } = await describeEdge(
      { keeper: edge.keeper, rpc: edge.rpc, fingerprint: 'not looked at', pbx: edge.options.pbx },
      limit(),
    )
    expect(problems.map(({ message }) => message)).toContainEqual(
      expect.stringMatching(/^the edge has \d+ MB of shared/),
    )

    edge.wanted.revoke(leaver!.issued)
    await edge.signList()
    const system = edgeAccess(edge.keeper)
    await expect(system.apply([world.subject(leaver!, 'closed')], limit())).rejects.toBeTruthy()
    await vi.waitFor(() => expect(leaving.connected).toBe(false))
    expect(await leaver!.attempt()).toMatch(/closed the connection|ECONNRESET/)
    const shut = /^refused at the edge: serial .{8}… in the deny table, no connection of it$/
    expect(await world.judge(leaver!, 'closed')).toMatchObject({
      state: 'as-desired',
      evidence: { summary: expect.stringMatching(shut) },
    })
    expect(staying.connected).toBe(true)
    expect((await staying.register()).status).toBe(200)
    expect(await colleague!.attempt()).toBe(200)

    await edge.kamailio.restart()
    await edge.publish()
    expect(await world.judge(leaver!, 'closed')).toMatchObject({
      evidence: { summary: expect.stringContaining('and in revocation list') },
    })
    expect(await leaver!.attempt()).toMatch(/revoked/i)
    expect(await colleague!.attempt()).toBe(200)
  }, 120_000)
})

/** What the keeper says when it hands no more over. */
async function listsUntilRefused({ edge }: EdgeWorld): Promise<unknown> {
  for (let count = 0; count < mostLists; count++) {
    await edge.signList()
    try {
      await edge.publish()
    } catch (error) {
      return error
    }
  }
  throw new Error(`${mostLists} lists were handed over`)
}
