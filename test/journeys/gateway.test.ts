import { describe, expect, test } from 'vitest'
import { newKey } from '../contracts/hub.contract.ts'
import { admitted, ida, lineOf, macs, pageOf, scriptOf, soon, yealink } from './gateway-home.ts'
import { mia, onboarded, person } from './world.ts'
import { worldsOfEachTest } from './worlds.ts'

const { open } = worldsOfEachTest()

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
