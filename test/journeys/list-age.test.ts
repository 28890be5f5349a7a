import { describe, expect, test } from 'vitest'
import { upkeepTasks } from '../../src/main/tasks.ts'
import { openWorld } from './world.ts'

const day = 86_400_000

describe('the revocation list', () => {
  test('is put out again by the rhythm of the server, not only when somebody leaves', async () => {
    let asked = 0
    const publication = { publishWhenDue: async () => void asked++ }
    const parts = { context: {}, foundations: { publication }, hubNow: {}, loop: {}, hub: {} } as unknown
    const tasks = upkeepTasks(parts as Parameters<typeof upkeepTasks>[0])
    await tasks.find(({ name }) => name === 'revocation list')!.run()
    expect(asked).toBe(1)
  })

  test('that stays away for more than three days is told by doctor, long before it locks anybody out', async () => {
    const clock = { aheadMs: 0 }
    await using world = await openWorld({ clock })
    const told = async () =>
      (await world.app.doctor()).checks.filter(({ area, message }) => area === 'pki' && message.includes('list'))
    clock.aheadMs = 2.9 * day
    expect(await told()).toMatchObject([{ state: 'ok', message: 'the revocation list is fresh' }])
    clock.aheadMs = 3.1 * day
    expect(await told()).toMatchObject([{ state: 'problem', message: 'the revocation list is older than three days' }])
    await world.travel(0)
    expect(await told()).toMatchObject([{ state: 'ok' }])
  })
})
