import { copyFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { steadyTokenOf } from '../../src/journeys/enrolment.ts'
import { runLeavings } from '../../src/journeys/leavings.ts'
import { mia, onboarded, openWorld, person, tokenIn, type World, type WorldOptions } from './world.ts'

/** What `since` does happens to a database that is then replaced by the copy from before; only the journal knows of it. */
async function restored(
  world: World,
  since: (later: World) => Promise<void>,
  options: WorldOptions = {},
): Promise<World> {
  const path = join(world.folder, 'ringfence.db')
  await world.stop()
  await copyFile(path, `${path}.backup`)
  const later = await world.restart()
  await since(later)
  await later.stop()
  for (const suffix of ['-wal', '-shm']) await rm(`${path}${suffix}`, { force: true })
  await copyFile(`${path}.backup`, path)
  return later.restart(options)
}

const file = 'linphone.xml'

describe('after an older database was restored', () => {
  test('a token that was revoked since stays revoked, and another one works', async () => {
    await using world = await openWorld()
    const [bad, good] = [
      await world.app.createToken('lost', 'owner', mia),
      await world.app.createToken('hr', 'admin', mia),
    ]
    await using back = await restored(world, async (later) => void (await later.app.revokeToken(bad.view.id, mia)))
    expect(await back.app.authenticate(bad.token.reveal())).toBeNull()
    expect(await back.app.authenticate(good.token.reveal())).not.toBeNull()
    expect((await back.app.tokens()).map(({ revokedAt }) => revokedAt !== null)).toEqual([true, false])
  })

  test('an invite that was replaced since opens nothing, neither its page nor a file, and a new one is enough', async () => {
    await using world = await openWorld()
    const old = await onboarded(world, person('Ada Byron', '1001', 'linphone-desktop'))
    const [oldUrl] = Object.values(old.provisioningUrls)
    const ownUrl = await ownUrlOf(world)
    let newer = old
    await using back = await restored(world, async (later) => {
      newer = await later.app.invite('1001', mia)
    })
    for (const { invite } of [old, newer]) expect(await back.app.join(tokenIn(invite.url))).toBeNull()
    for (const url of [oldUrl!, ownUrl]) expect(await back.fetch(url, file)).toBeNull()
    await back.loop.idle()
    const lines = (await back.app.employee('1001')).access.filter(({ wanted }) => wanted === 'open')
    expect(lines.find(({ system }) => system === 'phone-door')).toMatchObject({ verdict: 'waiting' })

    const again = await back.app.invite('1001', mia)
    await back.loop.idle()
    const [url] = Object.values(again.provisioningUrls)
    expect((await back.fetch(url!, file))?.body.toString()).toContain('1001')
    const now = (await back.app.employee('1001')).access.filter(({ wanted }) => wanted === 'open')
    expect(now.map(({ verdict }) => verdict)).not.toContain('waiting')
  })

  test('a link that moved with another handset since is dead too', async () => {
    await using world = await openWorld()
    const old = await onboarded(world, person('Ada Byron', '1001', 'linphone-desktop'))
    const [oldUrl] = Object.values(old.provisioningUrls)
    await using back = await restored(
      world,
      async (later) => void (await later.app.addHandset('1001', { model: 'linphone-mobile' }, mia)),
    )
    expect(await back.app.join(tokenIn(old.invite.url))).toBeNull()
    expect(await back.fetch(oldUrl!, file)).toBeNull()
  })

  test('a photographed QR code that was used up since is not good again, while the phone goes on', async () => {
    await using world = await openWorld()
    const { provisioningUrls } = await onboarded(world, person('Ada Byron', '1001', 'linphone-desktop'))
    const [photographed] = Object.values(provisioningUrls)
    const own = await ownUrlOf(world)
    await using back = await restored(world, async (later) => void expect(await later.fetch(own, file)).not.toBeNull())
    expect(await back.fetch(photographed!, file)).toBeNull()
    expect(await back.fetch(own, file)).not.toBeNull()
  })

  test('a phone that enrolled with a later invite goes on with its own link', async () => {
    await using world = await openWorld()
    await onboarded(world, person('Ada Byron', '1001', 'linphone-desktop'))
    const before = await ownUrlOf(world)
    let own = before
    await using back = await restored(world, async (later) => {
      await later.app.invite('1001', mia)
      own = await ownUrlOf(later)
      expect(await later.fetch(own, file)).not.toBeNull()
    })
    expect(await back.fetch(before, file)).toBeNull()
    expect(await back.fetch(own, file)).not.toBeNull()
  })

  test('a phone in use goes on with the link that it had last, whichever that was', async () => {
    for (const moved of [false, true]) {
      await using world = await openWorld()
      await onboarded(world, person('Ada Byron', '1001', 'linphone-desktop'))
      const before = await ownUrlOf(world)
      await world.fetch(before, file)
      let after = before
      await using back = await restored(world, async (later) => {
        await later.app.invite('1001', mia)
        after = await ownUrlOf(later)
        if (moved) await later.fetch(after, file)
      })
      expect((await back.fetch(before, file)) !== null).toBe(!moved)
      expect((await back.fetch(after, file)) !== null).toBe(moved)
    }
  })

  test('a shared password that was rotated since is not in force again; the phones that stayed get another one', async () => {
    await using world = await openWorld({ pbx: 'manual' })
    const { employee } = await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile', 'linphone-desktop'))
    const before = await secretNow(world)
    const leaving = employee.handsets.find(({ model }) => model === 'linphone-desktop')!
    let rotated = before
    await using back = await restored(world, async (later) => {
      await later.app.removeHandset(leaving.id, mia)
      rotated = await secretNow(later)
    })
    const now = await secretNow(back)
    expect(now.generation).toBe(rotated.generation + 1)
    expect(new Set([before, rotated, now].map(({ secret }) => secret)).size).toBe(3)
    expect((await back.fetch(await ownUrlOf(back, 'linphone-mobile'), file))?.body.toString()).toContain('1001')
    // Restored once more, the secret that was made meanwhile is no good either.
    await back.stop()
    const path = join(back.folder, 'ringfence.db')
    for (const suffix of ['-wal', '-shm']) await rm(`${path}${suffix}`, { force: true })
    await copyFile(`${path}.backup`, path)
    await using twice = await back.restart()
    expect((await secretNow(twice)).generation).toBe(now.generation + 1)
  })

  test('a leaving date is given up, since it may have been cancelled since, and says so', async () => {
    await using world = await openWorld()
    await onboarded(world, person('Ada Byron', '1001', 'linphone-desktop'))
    await onboarded(world, person('Ben Li', '1002', 'linphone-desktop'))
    const at = new Date(world.context.system.now().getTime() + 86_400_000).toISOString()
    await world.app.people.setLeaving('1001', { at, reason: null }, mia)
    await using back = await restored(world, async (later) => {
      await later.app.people.cancelLeaving('1001', mia)
      await later.app.invite('1002', mia)
    })
    await back.travel(2)
    await runLeavings(back.context)
    expect((await back.app.employee('1001')).lifecycle).toBe('active')
    expect(await back.app.people.leaving('1001')).toBeNull()
    expect((await back.app.people.happenings('1001')).map(({ text }) => text)).toContainEqual(
      expect.stringContaining('an older copy of the database was restored'),
    )
  })

  test('nothing is done when there is nothing to do', async () => {
    await using world = await openWorld()
    await onboarded(world, person('Ada Byron', '1001', 'linphone-desktop'))
    const before = await world.store.find('sipCredential', {})
    await using later = await world.restart()
    expect(await later.store.find('sipCredential', {})).toEqual(before)
    expect((await later.store.auditTrail({ limit: 100 })).map(({ kind }) => kind)).not.toContain('journal.replayed')
  })
})

/** The link that stands in the phone's own file. */
async function ownUrlOf({ context }: World, model = 'linphone-desktop'): Promise<string> {
  const [handset] = await context.store.find('handset', { model, removedAt: null })
  const token = steadyTokenOf(context, handset!.id, handset!.doorGeneration)
  return `${context.config.phoneDoor.url}/p/${token}/`
}

async function secretNow({ store, context }: World) {
  const [row] = await store.find('sipCredential', { closedAt: null })
  const { id, generation, secretSealed } = row!
  return { generation, secret: context.vault.open(secretSealed!, `sip:${id}:${generation}`).reveal() }
}
