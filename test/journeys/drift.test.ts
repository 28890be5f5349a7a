import { describe, expect, test } from 'vitest'
import { accountsOf } from '../../src/journeys/pbx-accounts.ts'
import { offboarded, onboarded, openWorld, person, type World } from './world.ts'

const soon = () => AbortSignal.timeout(1_000)
const drifts = async (world: World) =>
  (await world.store.auditTrail({ limit: 10_000 })).filter(({ kind }) => kind === 'access.drift')
const agreed = async (world: World, who: string) =>
  (await world.app.settled(who, 10_000)).access.every(({ verdict }) => verdict === 'converged')

/** A phone that is registered and talks. */
async function talking(world: World, extension: string) {
  const [account] = await accountsOf(world.context, 'default', [extension])
  const { username, secret } = account!.credentials[0]!
  const address = (await world.app.employee(extension)).tunnels[0]!.addresses[0]!.split('/')[0]!
  const phone = { extension, username, secret: secret.reveal(), address }
  expect([world.pbx.register(phone), world.pbx.call(phone)]).toEqual([200, 200])
  return phone
}

describe('what somebody changed behind our back', () => {
  test('a PBX that was restored from a backup: the leaver is shut out again, and it is told', async () => {
    await using world = await openWorld()
    const { employee } = await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
    await onboarded(world, person('Ben Li', '1002', 'linphone-mobile'))
    const backup = await accountsOf(world.context, 'default', ['1001', '1002'])
    const ada = await talking(world, '1001')
    const ben = await talking(world, '1002')
    await offboarded(world, '1001')
    await world.pbx.driver.applyAccounts(backup, soon())
    expect([world.pbx.register(ada), world.pbx.call(ada)]).toEqual([200, 200])

    await world.sweep()
    expect(await agreed(world, employee.id)).toBe(true)
    expect(world.pbx.register(ada)).toBe(401)
    const { accounts } = await world.pbx.driver.readAccounts(soon())
    expect(accounts).toMatchObject([{ extension: '1002', registrations: [{}], calls: [{}] }])
    expect(world.pbx.register(ben)).toBe(200)
    expect(await drifts(world)).toMatchObject([
      { employeeId: employee.id, detail: expect.stringContaining('sip-account') },
    ])
  })

  test('a tunnel that was taken away by hand comes back, with the same key and address', async () => {
    await using world = await openWorld()
    const { employee } = await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
    await onboarded(world, person('Ben Li', '1002', 'linphone-mobile'))
    const before = await world.hub.listPeers(soon())
    await world.hub.removeByHand(employee.tunnels[0]!.publicKey!)
    expect(await world.hub.listPeers(soon())).toHaveLength(1)
    await world.sweep()
    const sorted = (peers: typeof before) => [...peers].sort((a, b) => a.publicKey.localeCompare(b.publicKey))
    expect(sorted(await world.hub.listPeers(soon()))).toEqual(sorted(before))
    expect(await drifts(world)).toHaveLength(1)
  })

  test('a firewall table that was flushed is put back, and it is told', async () => {
    await using world = await openWorld()
    await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
    world.hub.rulesIntact = false
    await world.sweep()
    expect(world.hub.rulesIntact).toBe(true)
    expect(await drifts(world)).toMatchObject([
      { detail: expect.stringContaining('changed or removed the firewall table') },
    ])
  })

  test('what we did not issue is told once and left alone', async () => {
    await using world = await openWorld()
    await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
    const key = 'c29tZWJvZHkgZWxzZSdzIGtleSwgbm90IG9mIHVzIQA='
    await world.hub.addForeignPeer(key, ['10.77.9.9/32'])
    world.pbx.addForeign('1001 of the receptionist')
    for (let round = 0; round < 3; round++) await world.sweep()
    await offboarded(world, '1001')
    await world.sweep()
    expect((await world.hub.listPeers(soon())).map(({ publicKey }) => publicKey)).toEqual([key])
    const told = (await world.store.auditTrail({ limit: 1_000 })).filter(({ kind }) => kind === 'stranger.seen')
    expect(told.filter(({ detail }) => detail!.includes(key))).toHaveLength(1)
    expect(await drifts(world)).toEqual([])
  })
})

describe('a listing that is not to be believed', () => {
  test.each(['empty', 'partial', 'down'] as const)('of the hub (%s) puts nobody out', async (fault) => {
    await using world = await openWorld()
    for (const number of [1, 2, 3, 4]) await onboarded(world, person(`P${number}`, `100${number}`, 'linphone-mobile'))
    await offboarded(world, '1004')
    const before = await world.hub.listPeers(soon())
    const firewall = (await world.hub.readFirewall(soon())).admitted
    world.hub.fault = fault
    for (let round = 0; round < 3; round++) await world.sweep()
    world.hub.fault = null
    expect(await world.hub.listPeers(soon())).toEqual(before)
    expect((await world.hub.readFirewall(soon())).admitted).toEqual(firewall)
    await world.sweep()
    for (const who of ['1001', '1002', '1003']) expect(await agreed(world, who)).toBe(true)
  })

  test('of the PBX puts nobody out and ends no call', async () => {
    await using world = await openWorld()
    await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
    await onboarded(world, person('Ben Li', '1002', 'linphone-mobile'))
    await talking(world, '1002')
    await offboarded(world, '1001')
    const before = world.pbx.snapshot()
    for (const fault of ['answerEmpty', 'wrongDigest', 'down'] as const) {
      world.pbx.faults[fault] = true
      for (let round = 0; round < 2; round++) await world.sweep()
      world.pbx.faults[fault] = false
      expect(world.pbx.snapshot(), fault).toBe(before)
    }
    await world.sweep()
    expect(await agreed(world, '1002')).toBe(true)
  })
})
