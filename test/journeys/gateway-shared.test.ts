import { describe, expect, test } from 'vitest'
import { newKey } from '../contracts/hub.contract.ts'
import { admitted, ben, ida, lineOf, macs, scriptOf, soon, yealink } from './gateway-home.ts'
import { handsetOf, mia, onboarded, person, tokenIn } from './world.ts'
import { worldsOfEachTest } from './worlds.ts'

const { open } = worldsOfEachTest()

describe('a gateway that two people of one home share', () => {
  test('carries the phones of both, and each person sees its doors', async () => {
    const world = await open()
    const first = await onboarded(world, ida(0))
    const second = await onboarded(world, ben(1))
    expect(await world.store.find('gateway', {})).toHaveLength(1)
    expect(second.employee.handsets).toMatchObject([
      { phoneAddress: '10.78.0.3', tunnelId: first.employee.tunnels[0]!.id },
    ])
    const { keyToken, text } = await scriptOf(world, await world.app.invite('1030', mia))
    expect(text).toContain('10.78.0.3')
    await world.app.takeGatewayKey(keyToken, newKey())
    await world.loop.idle()
    expect(await admitted(world)).toEqual(['10.77.0.2/32', '10.78.0.2/32', '10.78.0.3/32'])
    for (const who of ['1030', '1031']) {
      const { access } = await world.app.settled(who, 5_000)
      expect(access.filter(({ verdict }) => verdict !== 'converged')).toEqual([])
      expect(new Set(access.map(({ system }) => system))).toContain('firewall')
    }
    // The page of the other shows no script: the router is not theirs to set up.
    expect((await world.app.join(tokenIn(second.invite.url)))!.gateways).toEqual([])
  })

  test.each([
    ['its first holder', '1030', '1031', '10.78.0.2'],
    ['the other', '1031', '1030', '10.78.0.3'],
  ])(
    'stays when %s leaves: that address is shut, and the verdict says what is not known',
    async (_, leaver, stayer, shut) => {
      const world = await open()
      await onboarded(world, ida(0))
      await onboarded(world, ben(1))
      const key = newKey()
      await world.app.setGatewayKey('1030', key, mia)
      await world.loop.idle()
      await world.shakeHands(key)
      const links = await scriptOf(world, await world.app.invite('1030', mia))
      const unused = newKey()
      expect(await world.app.takeGatewayKey(links.keyToken, unused)).toBe(true)
      await world.app.offboard(leaver, null, mia)
      const left = await world.app.settled(leaver, 5_000)
      // Whoever leaves may have kept the script: its links and the key that nobody used yet end.
      for (const mac of macs) expect(await world.fetch(links.phones, `${mac}.cfg`)).toBeNull()
      expect(await world.app.takeGatewayKey(links.keyToken, newKey())).toBe(false)
      expect(await world.hub.listPeers(soon())).toMatchObject([{ publicKey: key }])
      expect(await admitted(world)).not.toContain(`${shut}/32`)
      expect(await admitted(world)).toHaveLength(2)
      expect(lineOf(left, 'tunnel', 'closed')).toMatchObject([
        { verdict: 'unverifiable', problem: 'shared gateway, return the phone' },
      ])
      expect(lineOf(left, 'firewall', 'closed')).toMatchObject([
        {
          verdict: 'converged',
          evidence: { summary: expect.stringContaining(`does not admit ${shut}/32 on re-read`) },
        },
      ])
      expect(left.lifecycle).toBe('offboarding')
      const holder = (await world.store.find('gateway', { removedAt: null }))[0]!.employeeId
      expect((await world.store.get('employee', holder))!.lifecycle).toBe('active')
      await world.app.acknowledge(leaver, 'tunnel', null, mia)
      expect((await world.app.settled(leaver, 5_000)).lifecycle).toBe('offboarded')
      const { access } = await world.app.settled(stayer, 5_000)
      expect(access.filter(({ verdict }) => verdict !== 'converged')).toEqual([])

      // The last one takes it with them.
      await world.app.offboard(stayer, null, mia)
      const last = await world.app.settled(stayer, 5_000)
      expect(last.lifecycle).toBe('offboarded')
      expect(await world.hub.listPeers(soon())).toEqual([])
      expect(await admitted(world)).toEqual([])
    },
  )

  test("the leaver's address goes to nobody for 30 days, and its tombstone never shuts the next phone out", async () => {
    const world = await open()
    const made = await onboarded(world, ida(0, 1))
    await world.app.setGatewayKey('1030', newKey(), mia)
    await world.app.removeHandset(handsetOf(made.employee, 'yealink-t54w').id, mia)
    const next = async () => {
      const { employee } = await world.app.addHandset('1030', { model: 'yealink-t53', mac: macs[2] }, mia)
      return employee.handsets.find(({ mac, removedAt }) => mac === macs[2] && removedAt === null)!
    }
    const soonAfter = await next()
    expect(soonAfter.phoneAddress).toBe('10.78.0.4')
    await world.app.removeHandset(soonAfter.id, mia)
    await world.travel(31)
    expect((await next()).phoneAddress).toBe('10.78.0.2')
    await world.loop.idle()
    await world.sweep()
    expect(await admitted(world)).toEqual(['10.77.0.2/32', '10.78.0.2/32', '10.78.0.3/32'])
  })

  test('is named by somebody who has one, and by nobody else', async () => {
    const world = await open()
    await onboarded(world, ida(0))
    await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
    const refused = async (input: object) =>
      expect(world.app.onboard({ ...person('Ben Li', '1031', yealink(1)), ...input }, mia)).rejects.toMatchObject({
        code: 'INVALID_INPUT',
        problems: [{ field: 'gatewayOf' }],
      })
    await refused({ gatewayOf: '1001' })
    await refused({ gatewayOf: '4711' })
    await refused({ gatewayOf: '1030', gateway: 'plain' })
    await refused({ gatewayOf: '1030', handsets: [{ model: 'linphone-mobile' }] })
    expect(await world.store.find('employee', {})).toHaveLength(2)
  })
})

describe('which gateway takes one phone more', () => {
  const extra = (mac: string, gatewayOf: string) => ({ ...person('Cem Oz', '1099', `yealink-t53=${mac}`), gatewayOf })
  /** Ben has a gateway of his own, and a phone on Ida's. */
  async function twoHomes() {
    const world = await open()
    await onboarded(world, ida(0))
    await onboarded(world, { ...person('Ben Li', '1031', yealink(1)), gateway: 'plain' })
    await world.app.addHandset('1031', { model: 'yealink-t54w', mac: macs[2], gatewayOf: '1030' }, mia)
    return world
  }

  test('is the own one of whoever is named, and the answer says which it was and whose', async () => {
    const world = await twoHomes()
    const made = await onboarded(world, extra('805ec0aabb09', '1031'))
    expect(made.employee.gateways).toMatchObject([{ kind: 'plain', owner: { name: 'Ben Li', extension: '1031' } }])
    const ben = await world.app.employee('1031')
    expect(ben.gateways.map(({ kind, owner }) => [kind, owner.name])).toEqual([
      ['plain', 'Ben Li'],
      ['openwrt', 'Ida Nowak'],
    ])
    expect(made.employee.access.find(({ system }) => system === 'tunnel')!.subject.name).toBe('the plain gateway')
  })

  test('is never guessed: where several are possible they are named, and one can be chosen by its network', async () => {
    const world = await twoHomes()
    // Ida's router stays for Ben, who then has two.
    await world.app.offboard('1030', null, mia)
    const left = await world.app.settled('1030', 5_000)
    expect(left.gateways).toMatchObject([{ kind: 'openwrt', subnets: ['10.78.0.0/28'], owner: { name: 'Ben Li' } }])
    const refusal = { code: 'CONFLICT', message: expect.stringMatching(/openwrt 10\.78\.0\.0\/28 of Ben Li/) }
    await expect(world.app.onboard(extra('805ec0aabb09', '1031'), mia)).rejects.toMatchObject(refusal)
    await expect(
      world.app.addHandset('1031', { model: 'yealink-t53', mac: '805ec0aabb09' }, mia),
    ).rejects.toMatchObject(refusal)
    const made = await onboarded(world, extra('805ec0aabb09', '10.78.0.0/28'))
    expect(made.employee.gateways).toMatchObject([{ kind: 'openwrt', owner: { name: 'Ben Li' } }])
  })

  test('and a kind that would be given to nobody, or beside another kind, is refused instead of forgotten', async () => {
    const world = await open()
    await onboarded(world, ida(0))
    const other = { model: 'yealink-t53', mac: macs[1], gateway: 'plain' }
    await expect(world.app.addHandset('1030', other, mia)).rejects.toMatchObject({ code: 'CONFLICT' })
    await world.app.addHandset('1030', { ...other, gateway: 'openWRT' }, mia)
    const app = { ...person('Ada Byron', '1001', 'linphone-mobile'), gateway: 'openwrt' }
    await expect(world.app.onboard(app, mia)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      problems: [{ field: 'gateway' }],
    })
  })
})
