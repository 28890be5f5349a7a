import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import type { EmployeeView, Onboarded } from '../../src/journeys/application.ts'
import { newKey } from '../contracts/hub.contract.ts'
import { handsetOf, mia, onboarded, openWorld, person, tokenIn, type World } from './world.ts'

const soon = () => AbortSignal.timeout(1_000)
const macs = ['805ec0aabb01', '805ec0aabb02', '805ec0aabb03'] as const
const yealink = (place: number) => `yealink-t54w=${macs[place]}`

const worlds: World[] = []
async function open(): Promise<World> {
  const world = await openWorld()
  worlds.push(world)
  return world
}
afterEach(async () => {
  for (const world of worlds.splice(0).reverse()) await world[Symbol.asyncDispose]()
})

const ida = (...phones: number[]) => ({
  ...person('Ida Nowak', '1030', ...phones.map(yealink)),
  gateway: 'openwrt',
})
const ben = (...phones: number[]) => ({ ...person('Ben Li', '1031', ...phones.map(yealink)), gatewayOf: '1030' })

async function pageOf(world: World, { invite }: Onboarded) {
  const view = (await world.app.join(tokenIn(invite.url)))!
  return view.gateways[0]!
}
/** What the installer downloads, and what stands in it. */
async function scriptOf(world: World, made: Onboarded) {
  const { script } = await pageOf(world, made)
  const file = await world.app.joinTunnel(tokenIn(made.invite.url), script!.fileName)
  const text = file!.body
  const link = (folder: string) =>
    new RegExp(`https://phones\\.example\\.com/${folder}/([A-Za-z0-9_-]{43})`).exec(text)![1]!
  return { text, phones: `https://phones.example.com/p/${link('p')}/`, keyToken: link('k') }
}
const admitted = async (world: World) => (await world.hub.readFirewall(soon())).admitted
const lineOf = ({ access }: EmployeeView, system: string, wanted: string) =>
  access.filter((line) => line.system === system && line.wanted === wanted)

describe('a home gateway whose router makes its own key', () => {
  test('waits for the public key, which comes once by its own link, and then lets its phones through by address', async () => {
    const world = await open()
    const made = await onboarded(world, ida(0, 1))
    expect(made.employee.tunnels).toMatchObject([{ publicKey: null, keyOrigin: 'device' }])
    expect(made.employee.handsets.map(({ phoneAddress }) => phoneAddress)).toEqual(['10.78.0.2', '10.78.0.3'])
    expect(await world.hub.listPeers(soon())).toEqual([])
    // Not green before a key came, and nothing is tried again and again meanwhile.
    expect(lineOf(await world.app.settled('1030', 5_000), 'tunnel', 'open')).toMatchObject([
      { verdict: 'waiting', problem: 'no key of its router is known yet', nextTryAt: null },
    ])
    const { text, keyToken } = await scriptOf(world, made)
    for (const part of [...macs.slice(0, 2), '10.78.0.2', '10.78.0.3', '203.0.113.5', '10.90.0.2'])
      expect(text.toLowerCase().replaceAll(/(?<=[0-9a-f]{2}):(?=[0-9a-f]{2})/g, '')).toContain(part)

    const key = newKey()
    expect(await world.app.takeGatewayKey('x'.repeat(43), key)).toBe(false)
    expect(await world.app.takeGatewayKey(keyToken, 'no key')).toBe(false)
    expect(await world.app.takeGatewayKey(keyToken, key)).toBe(true)
    expect(await world.app.takeGatewayKey(keyToken, key)).toBe(true)
    await world.loop.idle()
    expect(await world.hub.listPeers(soon())).toMatchObject([
      { publicKey: key, allowedIps: ['10.77.0.2/32', '10.78.0.0/28'] },
    ])
    expect(await admitted(world)).toEqual(['10.77.0.2/32', '10.78.0.2/32', '10.78.0.3/32'])
    const { access } = await world.app.settled('1030', 5_000)
    expect(access.every(({ verdict }) => verdict === 'converged')).toBe(true)
  })

  test('stands in the ledger with each key that was posted, taken or not', async () => {
    const world = await open()
    const made = await onboarded(world, ida(0))
    const { keyToken } = await scriptOf(world, made)
    const visit = { token: keyToken, fileName: 'public key', remoteAddress: '203.0.113.7', userAgent: 'uclient-fetch' }
    await world.app.enterVisit({ ...visit, served: true })
    await world.app.enterVisit({ ...visit, served: false })
    await world.app.enterVisit({ ...visit, token: 'x'.repeat(43), served: false })
    await world.door.flush()
    const lines = await world.store.find('doorFetch', { remoteAddress: '203.0.113.7' })
    const { id: employeeId } = made.employee
    expect(lines.map(({ employeeId, fileName, outcome, reason }) => [employeeId, fileName, outcome, reason])).toEqual([
      [employeeId, 'public key', 'served', "home gateway's key"],
      [employeeId, 'public key', 'refused', 'no key that this home gateway may have now'],
      [null, null, 'refused', 'no such link'],
    ])
  })

  test('may make another key until the tunnel has spoken, and none after that without a new invite', async () => {
    const world = await open()
    const made = await onboarded(world, ida(0))
    const { keyToken } = await scriptOf(world, made)
    const [first, second, third] = [newKey(), newKey(), newKey()]
    expect(await world.app.takeGatewayKey(keyToken, first)).toBe(true)
    expect(await world.app.takeGatewayKey(keyToken, second)).toBe(true)
    await world.loop.idle()
    expect((await world.hub.listPeers(soon())).map(({ publicKey }) => publicKey)).toEqual([second])
    // The first is shut for good: a tombstone watches it.
    expect(await world.app.takeGatewayKey(keyToken, first)).toBe(false)
    await world.shakeHands(second)
    expect(await world.app.takeGatewayKey(keyToken, third)).toBe(false)
    // Told once more what it told before is no harm: the script may run twice.
    expect(await world.app.takeGatewayKey(keyToken, second)).toBe(true)
    expect((await pageOf(world, made)).script!.configuration).toBeNull()
    await expect(world.app.setGatewayKey('1030', third, mia)).rejects.toMatchObject({ code: 'CONFLICT' })

    const again = await world.app.invite('1030', mia)
    expect(await world.app.takeGatewayKey(keyToken, third)).toBe(false)
    const renewed = await scriptOf(world, again)
    expect(await world.app.takeGatewayKey(renewed.keyToken, third)).toBe(true)
    await world.loop.idle()
    // The one in use goes on until the new one has spoken.
    expect((await world.hub.listPeers(soon())).map(({ publicKey }) => publicKey).sort()).toEqual([second, third].sort())
    await world.shakeHands(third)
    expect(await world.hub.listPeers(soon())).toMatchObject([
      { publicKey: third, allowedIps: ['10.77.0.2/32', '10.78.0.0/28'] },
    ])
  })

  test('gets another preshared key with a new invite before its first word, so that the router makes another key too', async () => {
    const world = await open()
    const made = await onboarded(world, ida(0))
    const old = await scriptOf(world, made)
    const key = newKey()
    expect(await world.app.takeGatewayKey(old.keyToken, key)).toBe(true)
    const renewed = await scriptOf(world, await world.app.invite('1030', mia))
    const presharedKey = ({ text }: { text: string }) => /PRESHARED_KEY='([^']+)'/.exec(text)![1]
    expect(presharedKey(renewed)).not.toBe(presharedKey(old))
    expect(await world.app.takeGatewayKey(renewed.keyToken, key)).toBe(false)
    expect(await world.app.takeGatewayKey(renewed.keyToken, newKey())).toBe(true)
  })

  test('may not have a key that any other tunnel has or had, for that one would be shut or opened with it', async () => {
    const world = await open()
    const { keyToken } = await scriptOf(world, await onboarded(world, ida(0)))
    const ada = await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
    const its = ada.employee.tunnels[0]!.publicKey!
    expect(await world.app.takeGatewayKey(keyToken, its)).toBe(false)
    await world.app.invite('1001', mia)
    expect(await world.app.takeGatewayKey(keyToken, its)).toBe(false)
    const last = (await world.app.employee('1001')).tunnels[0]!.publicKey!
    await world.app.offboard('1001', null, mia)
    expect(await world.app.takeGatewayKey(keyToken, last)).toBe(false)
    await expect(world.app.setGatewayKey('1030', last, mia)).rejects.toMatchObject({ code: 'CONFLICT' })
    expect(await world.app.takeGatewayKey(keyToken, newKey())).toBe(true)
  })

  test('hears a few keys a day by its link and no more, for each leaves a trace for ever', async () => {
    const world = await open()
    const { keyToken } = await scriptOf(world, await onboarded(world, ida(0)))
    const answers: boolean[] = []
    for (let n = 0; n < 13; n++) answers.push(await world.app.takeGatewayKey(keyToken, newKey()))
    expect(answers.filter(Boolean)).toHaveLength(11)
    expect(answers.lastIndexOf(true)).toBe(10)
    await world.app.setGatewayKey('1030', newKey(), mia)
    await world.travel(2)
    expect(await world.app.takeGatewayKey(keyToken, newKey())).toBe(true)
  })

  test('is told by an admin where the router cannot reach the door', async () => {
    const world = await open()
    await onboarded(world, ida(0))
    const key = newKey()
    expect((await world.app.setGatewayKey('1030', key, mia)).tunnels).toMatchObject([{ publicKey: key }])
    await expect(world.app.setGatewayKey('1030', 'nonsense', mia)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
    await expect(world.app.setGatewayKey('1001', newKey(), mia)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  test('whose key did not come within the window waits for a new invite, and an unused one is taken back', async () => {
    const world = await open()
    const made = await onboarded(world, ida(0))
    const { keyToken } = await scriptOf(world, made)
    expect(await world.app.takeGatewayKey(keyToken, newKey())).toBe(true)
    await world.travel(8)
    await world.shakeHands()
    expect(await world.hub.listPeers(soon())).toEqual([])
    expect(await world.app.takeGatewayKey(keyToken, newKey())).toBe(false)
  })
})

describe("the link in a gateway's DHCP option", () => {
  test('gives each phone behind it its own first file by the name it asks for, and none to a stranger', async () => {
    const world = await open()
    const made = await onboarded(world, ida(0, 1))
    await onboarded(world, person('Cem Öz', '1099', yealink(2)))
    const { phones } = await scriptOf(world, made)
    for (const mac of macs.slice(0, 2)) {
      const file = await world.fetch(phones, `${mac}.cfg`)
      const steady = /static\.auto_provision\.server\.url = (\S+)/.exec(file!.body)![1]!
      expect(steady).not.toBe(phones)
      expect((await world.fetch(steady, `${mac}.cfg`))!.body).toBe(file!.body)
      // It has its own link now: the option gives this phone no more.
      expect(await world.fetch(phones, `${mac}.cfg`)).toBeNull()
    }
    expect(await world.fetch(phones, `${macs[2]}.cfg`)).toBeNull()
    expect(await world.fetch(phones, '805ec0ffffff.cfg')).toBeNull()
    await world.door.flush()
    const ledger = await world.store.find('doorFetch', {})
    expect(ledger.filter(({ reason }) => reason === 'gateway link')).toHaveLength(2)
    expect(ledger.every(({ handsetId, employeeId }) => handsetId !== null || employeeId !== null)).toBe(true)
  })

  test('shows in a file that all phones ask for the link itself, never the own link of one of them', async () => {
    const world = await open()
    const { phones } = await scriptOf(world, await onboarded(world, ida(0, 1)))
    const common = await world.fetch(phones, 'y000000000096.cfg')
    expect(common!.body).toContain(`static.trusted_certificates.url = ${phones}ca.pem`)
    expect((await world.fetch(phones, 'ca.pem'))!.body).toContain('BEGIN CERTIFICATE')
  })

  test('books a file that all phones ask for on no phone while several wait, and on the one that is left', async () => {
    const world = await open()
    const made = await onboarded(world, ida(0, 1))
    const { phones } = await scriptOf(world, made)
    const common = 'y000000000096.cfg'
    const booked = async () => {
      expect(await world.fetch(phones, common)).not.toBeNull()
      await world.door.flush()
      const lines = await world.store.find('doorFetch', { fileName: common, reason: 'gateway link' })
      return lines.map(({ handsetId, employeeId }) => ({ handsetId, employeeId })).at(-1)
    }
    const { id: employeeId, handsets } = made.employee
    expect(await booked()).toEqual({ handsetId: null, employeeId })
    const own = /static\.auto_provision\.server\.url = (\S+)/.exec(
      (await world.fetch(phones, `${macs[0]}.cfg`))!.body,
    )![1]!
    expect(await world.fetch(own, `${macs[0]}.cfg`)).not.toBeNull()
    const left = handsets.find(({ mac }) => mac === macs[1])!
    expect(await booked()).toEqual({ handsetId: left.id, employeeId })
  })

  test('ends with the window of each phone, with a new invite, and with the gateway', async () => {
    const world = await open()
    const made = await onboarded(world, ida(0))
    const { phones } = await scriptOf(world, made)
    const again = await world.app.invite('1030', mia)
    expect(await world.fetch(phones, `${macs[0]}.cfg`)).toBeNull()
    const renewed = await scriptOf(world, again)
    expect(await world.fetch(renewed.phones, `${macs[0]}.cfg`)).not.toBeNull()
    await world.travel(8)
    expect(await world.fetch(renewed.phones, `${macs[0]}.cfg`)).toBeNull()
    const last = await scriptOf(world, await world.app.invite('1030', mia))
    await world.app.offboard('1030', null, mia)
    expect(await world.fetch(last.phones, `${macs[0]}.cfg`)).toBeNull()
    expect(await world.app.takeGatewayKey(last.keyToken, newKey())).toBe(false)
  })
})

describe('after an older database was restored', () => {
  async function restored(world: World, since: (later: World) => Promise<void>): Promise<World> {
    await world.stop()
    const copy = join(world.folder, 'copy.db')
    await cp(join(world.folder, 'ringfence.db'), copy)
    const later = await world.restart()
    worlds.push(later)
    await since(later)
    await later.stop()
    await cp(copy, join(world.folder, 'ringfence.db'))
    const back = await later.restart()
    worlds.push(back)
    return back
  }

  test('the link of a gateway that was replaced since stays dead', async () => {
    const world = await open()
    const old = await scriptOf(world, await onboarded(world, ida(0)))
    const back = await restored(world, async (later) => void (await later.app.invite('1030', mia)))
    expect(await back.fetch(old.phones, `${macs[0]}.cfg`)).toBeNull()
    expect(await back.app.takeGatewayKey(old.keyToken, newKey())).toBe(false)
  })

  test('the link by which the key in use came takes no other one', async () => {
    const world = await open()
    const { keyToken } = await scriptOf(world, await onboarded(world, ida(0)))
    const back = await restored(world, async (later) => {
      const key = newKey()
      await later.app.takeGatewayKey(keyToken, key)
      await later.loop.idle()
      await later.shakeHands(key)
    })
    expect(await back.app.takeGatewayKey(keyToken, newKey())).toBe(false)
    const renewed = await scriptOf(back, await back.app.invite('1030', mia))
    expect(await back.app.takeGatewayKey(renewed.keyToken, newKey())).toBe(true)
  })

  test('a gateway that was handed to a leaver since, and went with them, is shut with its tunnel', async () => {
    const world = await open()
    await onboarded(world, ida(0))
    await onboarded(world, ben(1))
    const key = newKey()
    await world.app.setGatewayKey('1030', key, mia)
    await world.loop.idle()
    await world.shakeHands(key)
    const back = await restored(world, async (later) => {
      const [phone] = (await later.app.employee('1030')).handsets
      await later.app.removeHandset(phone!.id, mia)
      await later.app.offboard('1031', null, mia)
      await later.app.settled('1031', 5_000)
    })
    await back.loop.idle()
    expect(await back.store.find('gateway', { removedAt: null })).toEqual([])
    expect(await back.hub.listPeers(soon())).toEqual([])
    expect(await admitted(back)).toEqual([])
    expect((await back.app.settled('1031', 5_000)).lifecycle).toBe('offboarded')
  })
})

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
