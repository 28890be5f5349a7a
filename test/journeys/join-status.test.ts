import { describe, expect, test } from 'vitest'
import { newKey } from '../contracts/hub.contract.ts'
import { handsetOf, mia, offboarded, onboarded, person, steadyUrl, tokenIn, type World } from './world.ts'
import { worldsOfEachTest } from './worlds.ts'

const { open } = worldsOfEachTest()

async function ada(world: World) {
  const made = await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
  const token = tokenIn(made.invite.url)
  const handset = handsetOf(made.employee, 'linphone-mobile')
  const key = made.employee.tunnels[0]!.publicKey!
  /** The app fetches by the invite's link, and comes back by its own. */
  const enrol = async () => {
    await world.fetch(Object.values(made.provisioningUrls)[0]!, 'linphone.xml')
    await world.fetch(await steadyUrl(world, handset.id), 'linphone.xml')
  }
  const status = async () => {
    const seen = (await world.app.joinStatus(token))!
    await world.loop.idle()
    return { tunnel: seen.tunnels[0]!.state, phone: seen.phones[0]! }
  }
  return { made, token, key, enrol, status }
}
/** What a phone sends besides keeping its tunnel open, as the hub's counters show it. */
function packets(world: World, publicKey: string, bytes: number) {
  const now = world.context.system.now()
  world.context.traffic.note([{ publicKey, receivedBytes: 0 }], new Date(now.getTime() - 3_000))
  world.context.traffic.note([{ publicKey, receivedBytes: bytes }], now)
}
const minutes = (count: number) => count / 1_440

describe('what the page of an invite tells', () => {
  test('goes from a silent tunnel to a phone that has signed in, by what was seen alone', async () => {
    const clock = { aheadMs: 0 }
    const world = await open({ clock })
    const { key, enrol, status } = await ada(world)
    expect(await status()).toMatchObject({
      tunnel: 'silent',
      phone: { fetched: false, account: 'not-registered', help: 'tunnel' },
    })
    await world.shakeHands(key)
    expect(await status()).toMatchObject({ tunnel: 'connected', phone: { fetched: false, help: null } })
    await enrol()
    expect(await status()).toMatchObject({ phone: { fetched: true, account: 'not-registered', help: null } })
    // The PBX is read again because a page waits for it, not at the next sweep.
    const [account] = await world.app.showSecrets('1001', mia)
    const phone = { ...account!, secret: account!.secret.reveal(), address: '10.77.0.2' }
    expect(world.pbx.register(phone)).toBe(200)
    clock.aheadMs += 20_000
    await status()
    expect(await status()).toMatchObject({ phone: { account: 'registered', help: null } })
  })

  test('says that the name leads nowhere when the tunnel is up and nothing comes through it', async () => {
    const world = await open()
    const { key, enrol, status } = await ada(world)
    await world.shakeHands(key)
    await enrol()
    packets(world, key, 148 + 32)
    await world.travel(minutes(1))
    await world.shakeHands(key)
    expect(await status()).toMatchObject({ phone: { account: 'not-registered', help: 'name' } })
    packets(world, key, 900)
    expect(await status()).toMatchObject({ phone: { account: 'not-registered', help: 'sign-in' } })
  })

  test('calls a tunnel quiet that has not been heard of for some minutes', async () => {
    const world = await open()
    const { key, status } = await ada(world)
    await world.shakeHands(key)
    await world.travel(minutes(5))
    expect(await status()).toMatchObject({ tunnel: 'quiet', phone: { help: 'tunnel' } })
  })

  test('does not claim to know what a PBX that is operated by hand does not show', async () => {
    const world = await open({ pbx: 'manual' })
    const { status } = await ada(world)
    expect(await status()).toMatchObject({ phone: { account: 'unknown' } })
  })

  test('waits for the key of a router, and for its first word', async () => {
    const world = await open()
    const made = await onboarded(world, {
      ...person('Ida Nowak', '1030', 'yealink-t54w=805ec0aabb01'),
      gateway: 'openwrt',
    })
    const token = tokenIn(made.invite.url)
    const state = async () => (await world.app.joinStatus(token))!.tunnels[0]!.state
    expect(await state()).toBe('no-key')
    const key = newKey()
    await world.app.setGatewayKey('1030', key, mia)
    expect(await state()).toBe('silent')
    await world.shakeHands(key)
    expect(await state()).toBe('connected')
  })

  test('is nothing for a wrong link, and after the click', async () => {
    const world = await open()
    const { token } = await ada(world)
    expect(await world.app.joinStatus('x'.repeat(43))).toBeNull()
    await offboarded(world, '1001')
    expect(await world.app.joinStatus(token)).toBeNull()
  })
})
