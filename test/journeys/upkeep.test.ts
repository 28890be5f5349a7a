import { expect, test, vi } from 'vitest'
import { AppError } from '../../src/errors.ts'
import { startUpkeep } from '../../src/journeys/upkeep.ts'

test('a task that fails again and again for the same reason is told once, and so is its end', async () => {
  const said: string[] = []
  const log = {
    info: (_facts: object, message: string) => void said.push(message),
    warn: ({ err }: { err?: Error }, message: string) => void said.push(`${message}: ${err?.message}`),
    error: () => undefined,
  }
  let runs = 0
  const run = async () => {
    runs += 1
    if (runs <= 3) throw new AppError('PBX_UNREACHABLE', 'the edge is not reachable')
    if (runs <= 5) throw new AppError('PBX_REFUSED', 'the edge refused')
  }
  const upkeep = startUpkeep([{ name: 'SIP edge', everyMs: 1, run }], log)
  await vi.waitFor(() => expect(runs).toBeGreaterThan(8))
  await upkeep.stop()
  const failed = 'upkeep: SIP edge failed and is tried again; told once until that changes'
  expect(said).toEqual([
    `${failed}: the edge is not reachable`,
    `${failed}: the edge refused`,
    'upkeep: SIP edge works again',
  ])
})
