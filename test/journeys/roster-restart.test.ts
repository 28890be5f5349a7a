import { copyFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { inviteDays, tokenHash } from '../../src/domain/invite.ts'
import { cutOff, finished, soft } from './roster-run.ts'
import { offboarded, openWorld } from './world.ts'

describe('a roster that the server was stopped in', () => {
  test('goes on after the server was stopped in the middle, with nobody twice and every link the same', async () => {
    await using world = await openWorld()
    const id = await cutOff(world, soft(60), 15)
    await using between = await world.restart({ begin: false })
    expect(await between.app.importRun(id)).toMatchObject({ finished: false })
    const brought = await between.store.find('invite', {})
    expect(brought.length).toBeGreaterThanOrEqual(15)
    expect(brought.length).toBeLessThan(60)

    await using later = await between.restart()
    const view = await finished(later, id)
    expect(view).toMatchObject({ total: 60, done: 60 })
    expect(view.people.every(({ state }) => state === 'onboarded')).toBe(true)
    expect(await later.store.find('employee', {})).toHaveLength(60)
    expect(await later.store.find('invite', {})).toHaveLength(60)
    const shown = new Set(view.people.map(({ inviteUrl }) => tokenHash(inviteUrl!.split('/').at(-1)!)))
    expect(brought.every((invite) => shown.has(invite.tokenHash))).toBe(true)
    expect(await later.store.verifyAuditChain()).toBeNull()
  })

  test('that goes on never brings back who was offboarded meanwhile', async () => {
    await using world = await openWorld()
    const id = await cutOff(world, soft(40), 8)
    expect(await world.app.importRun(id)).toMatchObject({ finished: false })
    expect((await offboarded(world, '2000')).lifecycle).toBe('offboarded')
    await using later = await world.restart()
    const view = await finished(later, id)
    expect(await later.app.employee('2000')).toMatchObject({ lifecycle: 'offboarded' })
    expect(await later.store.find('assignment', { extension: '2000' })).toHaveLength(1)
    // Brought in and gone since: that is no mistake of the run.
    expect(view.people[0]).toMatchObject({ extension: '2000', state: 'onboarded', problem: null })
    expect(view.people.filter(({ problem }) => problem !== null)).toEqual([])
  })

  test('is not gone on with after an older database was restored: it would bring back who left since', async () => {
    await using world = await openWorld()
    const id = await cutOff(world, soft(40), 8)
    const path = join(world.folder, 'ringfence.db')
    await world.stop()
    await copyFile(path, `${path}.backup`)
    await using later = await world.restart()
    const whole = await finished(later, id)
    expect((await offboarded(later, '2039')).lifecycle).toBe('offboarded')
    await later.stop()
    for (const suffix of ['-wal', '-shm']) await rm(`${path}${suffix}`, { force: true })
    await copyFile(`${path}.backup`, path)

    await using back = await later.restart({ begin: false })
    // Also when the server is stopped once more before it went on.
    await using again = await back.restart()
    const view = await again.app.importRun(id)
    expect(view).toMatchObject({ total: 40, done: 40, finished: true })
    const rest = view.people.filter(({ state }) => state === 'failed')
    expect(rest.map(({ extension }) => extension)).toContain('2039')
    expect(rest.every(({ problem }) => problem?.includes('import the rest again'))).toBe(true)
    expect(rest.length + view.people.filter(({ state }) => state === 'onboarded').length).toBe(40)
    expect(await again.store.find('employee', {})).toHaveLength(40 - rest.length)
    for (const { inviteUrl, extension } of whole.people.filter(({ extension }) => extension === '2039'))
      expect(await again.app.join(inviteUrl!.split('/').at(-1)!), extension).toBeNull()
  })

  test('gives links that run out as counted from its start, and is not gone on with when that is over', async () => {
    await using world = await openWorld()
    const id = await cutOff(world, soft(40), 8)
    const { createdAt } = (await world.store.get('importRun', id))!
    const clock = { aheadMs: 6 * 86_400_000 }
    await using later = await world.restart({ clock })
    const view = await finished(later, id)
    expect(view.people.every(({ state }) => state === 'onboarded')).toBe(true)
    const ends = new Set((await later.store.find('invite', {})).map(({ expiresAt }) => expiresAt))
    expect([...ends]).toEqual([new Date(Date.parse(createdAt) + inviteDays * 86_400_000).toISOString()])

    await using other = await openWorld()
    const old = await cutOff(other, soft(40), 8)
    const brought = (await other.store.find('employee', {})).length
    await using tooLate = await other.restart({ clock: { aheadMs: 8 * 86_400_000 } })
    const ended = await finished(tooLate, old)
    expect(await tooLate.store.find('employee', {})).toHaveLength(brought)
    expect(ended.people.filter(({ state }) => state === 'failed')).toHaveLength(40 - brought)
    expect(ended.people.at(-1)!.problem).toContain('import the rest again')
  })
})
