import { copyFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { runLeavings } from '../../src/journeys/leavings.ts'
import { countedPasswords, desk, goodPassword, makeAdministrator, makeOwner, tokenOf } from './console-people.ts'
import { mia, onboarded, openWorld, person, tokenIn, type World } from './world.ts'

async function copy(world: World): Promise<World> {
  await world.stop()
  await copyFile(file(world), `${file(world)}.backup`)
  return world.restart()
}

async function restore(world: World): Promise<World> {
  await world.stop()
  for (const suffix of ['-wal', '-shm']) await rm(`${file(world)}${suffix}`, { force: true })
  await copyFile(`${file(world)}.backup`, file(world))
  return world.restart()
}

const file = ({ folder }: World) => join(folder, 'ringfence.db')
const alarmsOf = async ({ app }: World) => (await app.people.today()).alarms.map(({ text }) => text)

describe('an older copy of the database in which nobody was shut since', () => {
  test('lets nobody in by a session or link that may be over, offboards nobody by itself, and says so on Today', async () => {
    await using world = await openWorld({ signIn: { passwords: countedPasswords() } })
    await onboarded(world, person('Ada Byron', '1001', 'linphone-desktop'))
    const { invite, provisioningUrls } = await onboarded(world, person('Ben Li', '1002', 'linphone-desktop'))
    const at = new Date(world.context.system.now().getTime() + 86_400_000).toISOString()
    await world.app.people.setLeaving('1001', { at, reason: null }, mia)
    const { cookie } = await makeOwner(world)
    const hanna = await makeAdministrator(world, 'Hanna', 'helpdesk')
    const recovery = await world.app.administrators.recover(hanna.email, mia)

    const later = await copy(world)
    expect(await later.app.authenticateSession(cookie)).not.toBeNull()
    await later.app.people.cancelLeaving('1001', mia)
    await using back = await restore(later)

    expect(await back.app.authenticateSession(cookie)).toBeNull()
    expect(await back.app.authenticateSession(hanna.cookie)).toBeNull()
    expect(await back.app.signIn.setup(tokenOf(recovery.link))).toBeNull()
    expect(await back.app.join(tokenIn(invite.url))).toBeNull()
    expect(await back.fetch(Object.values(provisioningUrls)[0]!, 'linphone.xml')).toBeNull()
    const alarms = await alarmsOf(back)
    expect(alarms[0]).toMatch(/older than the leaver journal.*2 sessions, .*2 invites, 1 leaving date/)
    expect(alarms[1]).toContain('was given up, nobody was offboarded')
    await back.travel(2)
    await runLeavings(back.context)
    expect((await back.app.employee('1001')).lifecycle).toBe('active')

    // An administrator says it again, and it is done.
    const again = new Date(back.context.system.now().getTime() + 86_400_000).toISOString()
    await back.app.people.setLeaving('1001', { at: again, reason: null }, mia)
    await back.travel(2)
    await runLeavings(back.context)
    expect((await back.app.employee('1001')).lifecycle).not.toBe('active')
  })

  test('is noticed also where somebody only signed out since', async () => {
    await using world = await openWorld({ signIn: { passwords: countedPasswords() } })
    const { cookie } = await makeOwner(world)
    const later = await copy(world)
    await later.app.signIn.out(cookie)
    await using back = await restore(later)
    expect(await back.app.authenticateSession(cookie)).toBeNull()
  })

  test('does not take a passkey again that was removed since, neither by hand nor by coming back in', async () => {
    await using world = await openWorld({ signIn: { passwords: countedPasswords() } })
    const { cookie, email } = await makeOwner(world)
    const hanna = await makeAdministrator(world, 'Hanna', 'helpdesk')
    await withPasskeys(world, email, 'kept', 'lost')
    await withPasskeys(world, hanna.email, 'hers')
    const { link } = await world.app.administrators.recover(hanna.email, mia)
    const later = await copy(world)
    await later.app.account.removePasskey(cookie, 'lost')
    await later.app.signIn.setupWithPassword(tokenOf(link), { name: '', email: '' }, goodPassword, desk)
    await using back = await restore(later)
    expect((await back.store.find('passkey', { removedAt: null })).map(({ id }) => id)).toEqual(['kept'])
  })

  test('an ordinary restart ends nothing and raises no alarm, however often', async () => {
    await using world = await openWorld({ signIn: { passwords: countedPasswords() } })
    await onboarded(world, person('Ada Byron', '1001', 'linphone-desktop'))
    const { cookie } = await makeOwner(world)
    let later = await world.restart()
    for (let n = 0; n < 3; n++) {
      await later.app.invite('1001', mia)
      later = await later.restart()
    }
    await using last = later
    expect(await last.app.authenticateSession(cookie)).not.toBeNull()
    expect(await alarmsOf(last)).toEqual([])
  })
})

async function withPasskeys({ store, context }: World, email: string, ...ids: readonly string[]): Promise<void> {
  const [administrator] = await store.find('administrator', { email })
  await store.transaction((tx) =>
    tx.insert(
      'passkey',
      ids.map((id) => ({
        id,
        administratorId: administrator!.id,
        credentialId: `credential-${id}`,
        publicKey: 'key',
        counter: 0,
        label: id,
        createdAt: context.system.now().toISOString(),
        lastUsedAt: null,
        removedAt: null,
      })),
    ),
  )
}
