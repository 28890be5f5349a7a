import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Onboarded } from '../../src/journeys/application.ts'
import { fakeHub } from '../fakes/fake-hub.ts'
import { mia, offboarded, onboarded, openWorld, person, type World } from './world.ts'

describe('settings that change later', () => {
  test('list the handsets that were handed out before, until each has a new invite', async () => {
    await using world = await openWorld()
    const ada = await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
    const ben = await onboarded(world, person('Ben Li', '1002', 'linphone-mobile', 'linphone-desktop'))
    const staleIn = async ({ app }: World) =>
      (await app.doctor()).checks
        .filter(({ area, state }) => area === 'settings' && state === 'problem')
        .map(({ message }) => message)
    expect(await staleIn(world)).toEqual([])
    await using same = await world.restart()
    expect(await staleIn(same)).toEqual([])

    await using moved = await same.restart({ env: { RINGFENCE_PBX_HOST: 'pbx2.example.com' } })
    const names = (...people: readonly Onboarded[]) =>
      people.map(({ employee: { email, extension } }) => `${email} (${extension})`)
    const stale = async () => {
      const [line = '', ...others] = await staleIn(moved)
      expect(others).toEqual([])
      return { count: Number.parseInt(line, 10), who: (line.split('Z: ')[1] ?? '').split(', ').sort() }
    }
    expect(await stale()).toEqual({ count: 3, who: names(ada, ben) })
    await onboarded(moved, person('Cem Öz', '1003', 'linphone-mobile'))
    expect(await stale()).toEqual({ count: 3, who: names(ada, ben) })
    await moved.app.invite('1002', mia)
    expect(await stale()).toEqual({ count: 1, who: names(ada) })
    const { checks } = await moved.app.doctor()
    expect(checks.find(({ area }) => area === 'settings')).toMatchObject({
      state: 'problem',
      hint: expect.stringContaining('ringfence invite WHO'),
    })
    await offboarded(moved, '1001')
    expect(await staleIn(moved)).toEqual([])
    const events = (await moved.store.auditTrail({ limit: 1_000 })).filter(({ kind }) => kind === 'settings.changed')
    expect(events).toHaveLength(1)
  })

  test('reach a phone that fetches its file again', async () => {
    await using world = await openWorld()
    const { provisioningUrls } = await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
    const [url] = Object.values(provisioningUrls)
    expect((await world.fetch(url!, 'linphone.xml'))!.body).toContain('pbx.example.com')
    await using moved = await world.restart({ env: { RINGFENCE_PBX_HOST: 'pbx2.example.com' } })
    expect((await moved.fetch(url!, 'linphone.xml'))!.body).toContain('pbx2.example.com')
  })

  test('that were never made are named: demo mode', async () => {
    await using world = await openWorld()
    expect(world.app.overview().demo).toEqual([])
    await using demo = await openWorld({ env: { RINGFENCE_PHONE_URL: '', RINGFENCE_HUB_ENDPOINT: '' } })
    const made = await onboarded(demo, person('Ada Byron', '1001', 'linphone-mobile'))
    const { demo: reasons } = demo.app.overview()
    expect(reasons.join()).toContain('RINGFENCE_PHONE_URL')
    expect((await demo.app.join(made.invite.url.split('/').at(-1)!))!.demo).toEqual(reasons)
  })
})

describe('doctor', () => {
  test('does not call a PBX well that it did not look at', async () => {
    await using world = await openWorld({ pbx: 'manual' })
    const { checks } = await world.app.doctor()
    expect(checks.filter(({ area }) => area === 'pbx')[0]).toMatchObject({
      state: 'note',
      message: expect.stringMatching(/^the PBX \(operated by hand\).*: not looked at$/),
    })
  })

  test('finds a healthy server healthy, and says what it cannot protect', async () => {
    await using world = await openWorld()
    const { checks } = await world.app.doctor()
    const messages = checks.filter(({ state }) => state === 'ok').map(({ message }) => message)
    for (const message of [
      'the audit chain is whole',
      'every shut door stands in the leaver journal',
      'the revocation list is fresh',
    ])
      expect(messages).toContain(message)
    expect(checks.some(({ area, state }) => area === 'hub' && state === 'ok')).toBe(true)
    expect(checks.some(({ message }) => message.includes('not a copied folder'))).toBe(true)
  })

  test('of a hub in preview names packages where one is missing, and else lets the reason speak', async () => {
    const inPreview = async (message: string) => {
      const hub = fakeHub({ mode: 'preview', problems: [{ message, hint: 'chmod' }] })
      await using world = await openWorld({ hub })
      return (await world.app.doctor()).checks.filter(({ area }) => area === 'hub').map(({ hint }) => hint)
    }
    expect(await inPreview('wireguard-go does not run: Failed to create TUN device: permission denied')).toEqual([
      null,
      'chmod',
    ])
    expect(await inPreview('wireguard-go does not run: it is not installed')).toEqual([
      expect.stringContaining('apt-get install'),
      'chmod',
    ])
  })

  test('names hub and PBX that do not answer, with the step that mends it, and is not kept waiting', async () => {
    await using world = await openWorld()
    world.hub.fault = 'down'
    world.pbx.faults.down = true
    const { checks } = await world.app.doctor()
    const problems = checks.filter(({ state }) => state === 'problem')
    expect(problems).toMatchObject(
      expect.arrayContaining([
        expect.objectContaining({ area: 'hub', message: 'the fake hub is down', hint: 'it was told to be' }),
        expect.objectContaining({ area: 'pbx', message: 'the PBX is not reachable', hint: 'start it' }),
      ]),
    )
  })

  test.each([
    [[], 'pbx.example.com does not resolve here'],
    [['192.0.2.99'], 'pbx.example.com resolves to 192.0.2.99 here, not to 192.0.2.10'],
  ])('says what the name of the PBX leads to: %j', async (addresses, message) => {
    const env = { RINGFENCE_PBX_ADDRESS: '192.0.2.10', RINGFENCE_PBX_HOST: 'pbx.example.com' }
    await using world = await openWorld({ env, names: { 'pbx.example.com': addresses } })
    const { checks } = await world.app.doctor()
    expect(checks).toContainEqual(expect.objectContaining({ area: 'pbx', state: 'problem', message }))
    // What is not wrong with the settings, and yet worth a line, is told beside it.
    expect(checks).toContainEqual(
      expect.objectContaining({
        area: 'settings',
        state: 'note',
        message: expect.stringMatching(/^RINGFENCE_PBX_REALM/),
      }),
    )
  })

  test('sees that somebody changed the audit log by hand', async () => {
    await using world = await openWorld()
    await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
    const { DatabaseSync } = await import('node:sqlite')
    const database = new DatabaseSync(join(world.folder, 'ringfence.db'))
    database.exec(`update "auditEvent" set "at" = '2020-01-01T00:00:00.000Z' where "position" = 2`)
    database.close()
    const { checks } = await world.app.doctor()
    expect(checks).toContainEqual(
      expect.objectContaining({ area: 'store', state: 'problem', message: 'the audit chain breaks at event 2' }),
    )
  })

  test('sees that a shut door does not stand in the journal', async () => {
    await using world = await openWorld()
    await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
    Object.assign(world.context.journal, {
      append: async () => {
        throw new Error('the disk is full (it was told to be)')
      },
    })
    const left = await offboarded(world, '1001')
    // The doors shut all the same; only the second memory of it is missing, and said to be.
    expect(left.lifecycle).toBe('offboarded')
    const { checks } = await world.app.doctor()
    expect(checks).toContainEqual(
      expect.objectContaining({
        state: 'problem',
        message: expect.stringMatching(/shut doors are missing from the leaver journal/),
      }),
    )
    expect(world.log.join()).toContain('the leaver journal could not be written')
  })

  test('will not start over a journal that somebody changed', async () => {
    await using world = await openWorld()
    await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
    await offboarded(world, '1001')
    await world.stop()
    await writeFile(join(world.folder, 'leavers.journal'), '{"not":"ours"}\n')
    await expect(world.restart()).rejects.toMatchObject({ code: 'JOURNAL_UNREADABLE' })
  })
})
