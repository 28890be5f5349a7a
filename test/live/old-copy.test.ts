import { copyFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { EmployeeView } from '../../src/journeys/application.ts'
import { loneServer } from '../lab/lone-server.ts'
import { tunnelNeeds } from '../lab/network.ts'
import type { ServerProcess } from '../lab/server-process.ts'
import { describeLive } from '../setup/requirements.ts'

/** How often the audit log tells of this. */
async function told(server: ServerProcess, kind: string): Promise<number> {
  const { body } = await server.api('GET', '/api/v1/audit.csv')
  return String(body).split(`,${kind},`).length - 1
}

describeLive('an older copy of the database of a real server', tunnelNeeds, () => {
  test('is noticed though nobody was shut since, and a server that is killed at any time is not taken for one', async () => {
    await using office = await loneServer('copy')
    const { server } = office
    await server.start()
    const { id } = (await office.onboardAda()) as EmployeeView
    const at = new Date(Date.now() + 86_400_000).toISOString()
    const leaving = `/api/v1/employees/${id}/leaving`
    expect((await server.api('POST', leaving, { at, reason: null })).status).toBe(201)
    for (let n = 0; n < 2; n++) {
      await server.kill()
      await server.start()
    }
    expect([await told(server, 'leaving.set'), await told(server, 'journal.replayed')]).toEqual([1, 0])
    expect((await server.api('GET', leaving)).body).not.toEqual({ leaving: null })

    await server.stop()
    const database = join(server.dataFolder, 'ringfence.db')
    await copyFile(database, `${database}.backup`)
    await server.start()
    expect((await server.api('DELETE', leaving)).status).toBe(200)
    await server.stop()
    for (const suffix of ['-wal', '-shm']) await rm(`${database}${suffix}`, { force: true })
    await copyFile(`${database}.backup`, database)

    await server.start()
    expect((await server.api('GET', leaving)).body).toEqual({ leaving: null })
    const today = async () => [await told(server, 'journal.replayed'), await told(server, 'leaving.suspended')]
    expect(await today()).toEqual([1, 1])
    // Once: the copy that was put in order is the newest from now on, also after a crash.
    await server.kill()
    await server.start()
    expect(await today()).toEqual([1, 1])
  })
})
