import { describe, expect, test, vi } from 'vitest'
import { openResyncQueue } from '../../src/journeys/resync-queue.ts'
import { handsetOf, mia, onboarded, openWorld, person, steadyUrl, type World } from './world.ts'

const macs = ['805ec0aabb01', '000413aabb02'] as const

/** The phone registers at the PBX from its own address, as a phone behind its tunnel does. */
async function register(world: World, handsetId: string, address?: string): Promise<string> {
  const [credential] = await world.store.find('sipCredential', { handsetId, closedAt: null })
  const assignment = await world.store.get('assignment', credential!.assignmentId)
  const { id, generation, username, secretSealed } = credential!
  const secret = world.context.vault.open(secretSealed!, `sip:${id}:${generation}`).reveal()
  const from = address ?? (await addressOf(world, handsetId))
  const status = world.pbx.register({ extension: assignment!.extension, username, secret, address: from })
  expect(status).toBe(200)
  return from
}

async function addressOf(world: World, handsetId: string): Promise<string> {
  const [tunnel] = await world.store.find('tunnel', { carrierId: handsetId })
  const [address] = await world.store.find('tunnelAddress', { tunnelId: tunnel!.id })
  return address!.prefix.split('/')[0]!
}

async function asked(world: World, employeeId: string) {
  const trail = await world.store.auditTrail({ employeeId, limit: 100 })
  return trail
    .filter(({ kind }) => kind === 'handset.resync-asked')
    .map(({ detail, subjectId }) => [subjectId, JSON.parse(detail!).outcome, JSON.parse(detail!).actor])
}

describe('telling a phone to fetch its files', () => {
  test("reaches the registered phone with its vendor's event, and is recorded", async () => {
    await using world = await openWorld()
    const { employee } = await onboarded(world, person('Ben Li', '1002', `yealink-t54w=${macs[0]}`))
    const { id } = employee.handsets[0]!
    // An only phone is meant wherever it registered from: on the bench it has no tunnel yet.
    await register(world, id, '192.0.2.77')
    expect(await world.app.resyncHandset(id, mia)).toEqual({
      handsetId: id,
      outcome: 'told',
      words: 'the PBX sent it check-sync;reboot=false; its next fetch shows whether it obeyed',
    })
    expect(world.pbx.notified).toEqual([{ extension: '1002', address: '192.0.2.77', event: 'check-sync;reboot=false' }])
    expect(await asked(world, employee.id)).toEqual([[id, 'told', 'Mia']])
  })

  test('says why nobody was told: not registered, no event known, the PBX away, a PBX that cannot', async () => {
    await using world = await openWorld()
    const { employee } = await onboarded(world, person('Ben Li', '1002', `yealink-t54w=${macs[0]}`, 'linphone-mobile'))
    const desk = handsetOf(employee, 'yealink-t54w')
    const app = handsetOf(employee, 'linphone-mobile')
    const silent = await world.app.resyncHandset(desk.id, mia)
    expect(silent).toMatchObject({ outcome: 'not-registered', words: expect.stringContaining('at its next poll') })
    expect(await world.app.resyncHandset(app.id, mia)).toMatchObject({
      outcome: 'no-event',
      words: expect.stringContaining('when it starts'),
    })
    world.pbx.faults.down = true
    expect(await world.app.resyncHandset(desk.id, mia)).toMatchObject({
      outcome: 'pbx-cannot',
      words: 'the PBX is not reachable: it fetches its files when it starts, or at its next poll',
    })
    world.pbx.faults.down = false
    expect((await asked(world, employee.id)).map(([, outcome]) => outcome)).toEqual([
      'not-registered',
      'no-event',
      'pbx-cannot',
    ])
    await using byHand = await world.restart({ pbx: 'manual' })
    expect(await byHand.app.resyncHandset(desk.id, mia)).toMatchObject({ outcome: 'pbx-cannot' })
  })

  test('never reaches a colleague, nor the other phone of the same person', async () => {
    await using world = await openWorld()
    const ben = await onboarded(
      world,
      person('Ben Li', '100', `yealink-t54w=${macs[0]}`, `snom-d785=${macs[1]}`, 'linphone-mobile'),
    )
    const eve = await onboarded(world, person('Eve Ray', '1001', 'linphone-mobile'))
    const [yealink, app] = [handsetOf(ben.employee, 'yealink-t54w'), handsetOf(ben.employee, 'linphone-mobile')]
    const gateway = (await world.store.find('tunnel', { carrierKind: 'gateway' }))[0]!
    const [phones] = await world.store.find('tunnelAddress', { tunnelId: gateway.id, purpose: 'phones' })
    const behind = phones!.prefix.replace(/\.[0-9]+\/.*$/, '.5')
    await world.store.transaction((tx) => tx.update('handset', yealink.id, { phoneAddress: behind }))
    await register(world, yealink.id, behind)
    await register(world, app.id)
    await register(world, eve.employee.handsets[0]!.id)
    expect(await world.app.resyncHandset(yealink.id, mia)).toMatchObject({ outcome: 'told' })
    expect(world.pbx.notified).toEqual([{ extension: '100', address: behind, event: 'check-sync;reboot=false' }])

    world.pbx.faults.tellsOnlyAll = true
    expect(await world.app.resyncHandset(yealink.id, mia)).toMatchObject({
      outcome: 'pbx-cannot',
      words: expect.stringContaining('this PBX tells all phones or none'),
    })
    await using masked = await world.restart({ env: { RINGFENCE_HUB_MASQUERADE: 'yes' } })
    expect(await masked.app.resyncHandset(yealink.id, mia)).toMatchObject({
      outcome: 'pbx-cannot',
      words: expect.stringContaining('look alike'),
    })
    expect(masked.pbx.notified).toHaveLength(1)
  })

  test('is refused for a handset that was taken back or never was', async () => {
    await using world = await openWorld()
    const { employee } = await onboarded(world, person('Ben Li', '1002', `yealink-t54w=${macs[0]}`))
    const { id } = employee.handsets[0]!
    await world.app.removeHandset(id, mia)
    await expect(world.app.resyncHandset(id, mia)).rejects.toMatchObject({ code: 'CONFLICT' })
    await expect(world.app.resyncHandset('nobody', mia)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  test('of many phones goes in small batches, tells none twice, and passes over who was taken back meanwhile', async () => {
    await using world = await openWorld()
    const ids: string[] = []
    for (let n = 0; n < 7; n++) {
      const { employee } = await world.app.onboard(
        { ...person('Ben Li', `20${n}`, `yealink-t54w=805ec0aabb1${n}`), email: `b${n}@example.com` },
        mia,
      )
      ids.push(employee.handsets[0]!.id)
    }
    await world.loop.idle()
    for (const id of ids) await register(world, id, '192.0.2.9')
    await world.app.removeHandset(ids[6]!, mia)
    const queue = openResyncQueue(world.context, { atOnce: 3, pauseMs: 60 })
    queue.add([...ids, ids[0]!], mia)
    queue.add(ids.slice(3, 5), mia)
    await vi.waitFor(() => expect(world.pbx.notified.length).toBeGreaterThan(0))
    expect(world.pbx.notified.length).toBe(3)
    await queue.idle()
    expect(world.pbx.notified.map(({ extension }) => extension)).toEqual(['200', '201', '202', '203', '204', '205'])
    expect(world.pbx.counts.notify).toBe(2)
    queue.add([ids[0]!], mia)
    await queue.idle()
    expect(world.pbx.notified).toHaveLength(7)
    await queue.stop()
  })

  test('of many phones ends with the server, and goes on after a PBX that was away', async () => {
    await using world = await openWorld()
    const { employee } = await onboarded(
      world,
      person('Ben Li', '1002', `yealink-t54w=${macs[0]}`, `snom-d785=${macs[1]}`),
    )
    const ids = employee.handsets.map(({ id }) => id)
    const queue = openResyncQueue(world.context, { atOnce: 1, pauseMs: 60_000 })
    queue.add(ids, mia)
    await vi.waitFor(() => expect(world.pbx.counts.notify).toBe(1))
    await queue.stop()
    queue.add(ids, mia)
    expect(world.pbx.counts.notify).toBe(1)

    world.store.failAt = 1
    const other = openResyncQueue(world.context, { atOnce: 1, pauseMs: 1 })
    other.add(ids, mia)
    await other.idle()
    world.store.failAt = null
    expect(world.pbx.counts.notify).toBe(3)
    expect(world.log.join()).toContain('some phones could not be told of a change')
  })
})

describe('blanking a handset', () => {
  test('takes it back at once and gives it the document without a secret when it asks', async () => {
    await using world = await openWorld()
    const { employee } = await onboarded(world, person('Ben Li', '1002', `yealink-t54w=${macs[0]}`, 'baresip-linux'))
    const { id } = handsetOf(employee, 'yealink-t54w')
    const url = await steadyUrl(world, id)
    const [credential] = await world.store.find('sipCredential', { handsetId: id })
    const before = (await world.fetch(url, `${macs[0]}.cfg`))!.body
    expect(before).toContain(credential!.username)
    await register(world, id, '192.0.2.77')
    const { employee: after, words } = await world.app.blankHandset(id, mia)
    expect(handsetOf(after, 'yealink-t54w').removedAt).not.toBeNull()
    expect(words).toContain('at its next poll or start, for 30 days')
    // Its tunnel is shut first: a NOTIFY would be sent to nobody, and no door waits for it.
    expect(world.pbx.counts.notify).toBe(0)
    const blanked = (await world.fetch(url, `${macs[0]}.cfg`))!.body
    expect(blanked).toContain('account.1.enable = 0')
    expect(blanked).not.toContain(credential!.username)
    expect(handsetOf(await world.app.employee('1002'), 'yealink-t54w').blankedAt).not.toBeNull()
    const again = await world.app.blankHandset(id, mia)
    expect(handsetOf(again.employee, 'yealink-t54w').removedAt).toBe(handsetOf(after, 'yealink-t54w').removedAt)
    const app = await world.app.blankHandset(handsetOf(employee, 'baresip-linux').id, mia)
    expect(app.words).toContain('remove the account on the device')
  })
})

describe("a phone's own passwords", () => {
  test('are those in its file, are recorded when shown, and change with a new invite', async () => {
    await using world = await openWorld()
    const { employee } = await onboarded(world, person('Ben Li', '1002', `mitel-6920=${macs[0]}`, 'linphone-mobile'))
    const { id, files } = handsetOf(employee, 'mitel-6920')
    const url = await steadyUrl(world, id)
    const bodies = await Promise.all(files.map(async (file) => (await world.fetch(url, file))?.body ?? ''))
    const { admin, user, generation } = await world.app.showPhonePasswords(id, mia)
    expect(bodies.join('\n')).toContain(`admin password: ${admin!.reveal()}\n`)
    expect(bodies.join('\n')).toContain(`user password: ${user!.reveal()}\n`)
    const trail = await world.store.auditTrail({ employeeId: employee.id, limit: 100 })
    const shown = trail.filter(({ kind }) => kind === 'handset.passwords-shown')
    expect(shown).toMatchObject([{ subjectId: id }])
    expect(shown[0]!.detail).not.toContain(admin!.reveal())
    expect(world.log.join()).not.toContain(admin!.reveal())

    await world.app.invite('1002', mia)
    const renewed = await world.app.showPhonePasswords(id, mia)
    expect(renewed.generation).toBe(generation + 1)
    expect(renewed.admin!.reveal()).not.toBe(admin!.reveal())
    await expect(world.app.showPhonePasswords(handsetOf(employee, 'linphone-mobile').id, mia)).rejects.toMatchObject({
      code: 'CONFLICT',
    })
    await expect(world.app.showPhonePasswords('nobody', mia)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })
})
