import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { EmployeeView } from '../../src/journeys/application.ts'
import type { Agent } from '../lab/agent-client.ts'
import { chanceOf } from '../lab/chance.ts'
import { type ControlStream, openControlStream } from '../lab/control-stream.ts'
import { type Desk, moveIn } from '../lab/desk.ts'
import { tunnelNeeds, until } from '../lab/network.ts'
import { liveCredentials, realCredentials, realPeers, revokedSerials, wantedPeers } from '../lab/records.ts'
import { names, openSpine, type Spine } from '../lab/spine.ts'
import { describeLive } from '../setup/requirements.ts'

const rounds = 10
const victims = ['server', 'hub', 'server and hub'] as const
const media = { protocol: 'udp', address: '10.91.0.2' } as const
const mediaPort = 19_980

describeLive('killed at any moment', [...tunnelNeeds, 'asterisk', 'openssl'], () => {
  let spine: Spine
  let pbx: Agent
  let control: ControlStream
  let controlGapMs: () => Promise<number>
  let gwen: Desk
  const seed = Number(process.env.RINGFENCE_TEST_SEED ?? Date.now() % 1_000_000)
  const chance = chanceOf(seed)

  beforeAll(async () => {
    console.log(`seed ${seed} (RINGFENCE_TEST_SEED)`)
    spine = await openSpine()
    pbx = await spine.office.pbx.agent()
    control = await openControlStream()
    await pbx.listen({ ...media, port: mediaPort })
    gwen = await moveIn(spine, { name: 'Gwen', extension: '2000', model: 'linphone-mobile' })
    await gwen.agent.stream({ ...media, port: mediaPort, everyMs: 10 })
    controlGapMs = await control.begin(10)
    await until(async () => (await gwen.agent.received(mediaPort)).count > 50)
  })
  afterAll(async () => {
    await control?.[Symbol.asyncDispose]()
    await spine?.[Symbol.asyncDispose]()
  })

  const everybody = async () => {
    const { status, body } = await spine.server.api('GET', '/api/v1/employees')
    if (status !== 200) throw new Error(`the list was answered ${status}`)
    return (body as { items: readonly EmployeeView[] }).items
  }

  test(`server and hub are killed ${rounds} times in the middle of things, and each time all becomes as it should be`, async () => {
    const handshake = await gwen.tunnel.lastHandshakeAt()
    /** Whom the server promised to shut out. */
    const promised = new Set<string>()
    /** Whom it promised to let in. */
    const welcomed = new Set<string>()
    let extension = 2001
    for (let round = 1; round <= rounds; round++) {
      const staying = (await everybody()).filter(({ id, lifecycle }) => lifecycle === 'active' && id !== gwen.person.id)
      const leaving = staying.filter(() => chance(2) === 0)
      const deeds = [
        ...leaving.map(({ id }) => async () => {
          const { status } = await spine.server.api('POST', `/api/v1/employees/${id}/offboard`, {})
          if (status === 202) promised.add(id)
        }),
        ...Array.from({ length: 3 }, () => async () => {
          const number = String(extension++)
          const handsets = [{ model: chance(2) === 0 ? 'linphone-desktop' : 'linphone-mobile' }]
          const person = { name: `Person ${number}`, email: `p${number}@example.com`, extension: number, handsets }
          const { status, body } = await spine.server.api('POST', '/api/v1/employees', person)
          if (status === 201) welcomed.add((body as EmployeeView).id)
        }),
      ].sort(() => chance(3) - 1)
      const victim = victims[chance(victims.length)]!
      const afterMs = chance(250)
      // A request that the kill cuts off is one whose outcome nobody knows; what was answered is what counts.
      const running = deeds.map((deed) => deed().catch(() => undefined))
      await delay(afterMs)
      if (victim !== 'server') spine.server.killHub()
      if (victim !== 'hub') {
        await spine.server.kill()
        await spine.server.start()
      }
      await Promise.all(running)
      const startedAt = Date.now()
      await until(async () => (await everybody().catch(() => null))?.every(isSettled) ?? false, 60_000).catch(
        async (error: unknown) => {
          const open = (await everybody()).filter((person) => !isSettled(person))
          throw new Error(`round ${round}, ${victim} after ${afterMs} ms: ${JSON.stringify(open, null, 1)}`, {
            cause: error,
          })
        },
      )
      console.log(
        `round ${round}: ${victim} killed after ${afterMs} ms with ${deeds.length} requests; settled ${Date.now() - startedAt} ms later`,
      )
      const people = new Map((await everybody()).map((person) => [person.id, person]))
      for (const id of promised) expect(people.get(id)?.lifecycle).toBe('offboarded')
      for (const id of welcomed) expect(people.has(id)).toBe(true)
      expect(await realPeers(spine)).toEqual(wantedPeers(spine))
      expect(realCredentials(spine)).toEqual(liveCredentials(spine))
      expect(await admitted(spine)).toEqual(
        wantedPeers(spine)
          .map((line) => line.split('\t')[1]!.replace('/32', ''))
          .sort(),
      )
      expect(await publishedSerials(spine, gwen)).toEqual(revokedSerials(spine))
    }
    expect(promised.size).toBeGreaterThan(2)
    for (const id of promised) expect((await spine.report(id)).complete).toBe(true)

    // One who had nothing to do with any of it: not one of the kills was to be heard.
    const heard = await gwen.agent.received(mediaPort)
    const controlGap = await controlGapMs()
    console.log(
      `the bystander heard a longest gap of ${heard.longestGapMs.toFixed(0)} ms, an undisturbed stream ${controlGap.toFixed(0)} ms`,
    )
    expect(heard.longestGapMs).toBeLessThan(Math.max(250, 2 * controlGap))
    // WireGuard itself renews its keys every two minutes; nobody may make it start anew before.
    const ageMs = Date.parse((await gwen.tunnel.lastHandshakeAt()) ?? '') - Date.parse(handshake ?? '')
    expect(ageMs === 0 || ageMs >= 115_000).toBe(true)
  }, 240_000)
})

/** Every door of this person is proved, open or shut; a leaver is complete. */
function isSettled(person: EmployeeView): boolean {
  const wanted = person.lifecycle === 'active' ? 'open' : 'closed'
  return (
    person.lifecycle !== 'offboarding' &&
    person.access.length >= 4 &&
    person.access.every((line) => line.wanted === wanted && line.verdict === 'converged')
  )
}

/** The addresses in the hub's firewall table. */
async function admitted(spine: Spine): Promise<readonly string[]> {
  const listing = await spine.office.hub.run('nft', 'list', 'table', 'inet', `ringfence_${spine.interface}`)
  const subnet = /\b10\.77\.\d+\.\d+\b/g
  const elements = [...listing.matchAll(/elements = \{([^}]*)\}/g)].flatMap(([, text]) => text!.match(subnet) ?? [])
  return [...new Set(elements)].sort()
}

async function publishedSerials(spine: Spine, desk: Desk): Promise<readonly string[]> {
  const file = join(desk.folder, 'list.der')
  const { bytes } = await desk.home.get(`https://${names.door}/crl/handsets.crl`)
  writeFileSync(file, Buffer.from(bytes, 'base64'))
  const text = await spine.office.hub.run('openssl', 'crl', '-inform', 'DER', '-in', file, '-noout', '-text')
  return [...text.matchAll(/Serial Number: ([0-9A-F]+)/g)].map(([, serial]) => serial!.toLowerCase()).sort()
}
