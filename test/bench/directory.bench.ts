import { fork } from 'node:child_process'
import { join } from 'node:path'
import { makeAccount } from '../contracts/pbx-accounts.ts'
import { freeswitchWorld } from '../fakes/freeswitch-world.ts'
import type { BenchRow } from './bench-row.ts'
import type { Asking } from './directory-asker.ts'
import { load, percentile } from './measuring.ts'

const accountsThere = 10_000
const questions = 1_000
const targetMs = 1

/** What FreeSWITCH waits for at every login and every call. */
export async function rows(): Promise<readonly BenchRow[]> {
  const world = await freeswitchWorld()
  try {
    const accounts = Array.from({ length: accountsThere }, (_, index) => makeAccount(String(10_000 + index)))
    await world.driver.applyAccounts(accounts, AbortSignal.timeout(120_000))
    const { realm } = world.options
    const users = Array.from({ length: questions }, (_, index) => accounts[(index * 7919) % accountsThere]!).map(
      ({ credentials }) => credentials[0]!.username,
    )
    const asking = { ...world.fake.directory!, realm }
    // The first answers are slower: code that is not compiled yet.
    await answers({ ...asking, users: users.slice(0, 200) })
    const from = process.cpuUsage()
    const tookMs = await answers({ ...asking, users })
    const { user, system } = process.cpuUsage(from)
    const cpuMs = (user + system) / 1000 / questions
    return [
      {
        what: `FreeSWITCH asks the directory for one of ${accountsThere} accounts, ${questions} times: CPU per answer`,
        target: `<= ${targetMs} ms`,
        measured: `${cpuMs.toFixed(2)} ms; p50 ${percentile(tookMs, 50).toFixed(1)} ms, p99 ${percentile(tookMs, 99).toFixed(1)} ms as the asker waits, each on a connection of its own (${load()})`,
        anchor: '-',
        met: cpuMs <= targetMs,
      },
    ]
  } finally {
    await world.stop()
  }
}

/** How long each took. */
function answers(asking: Asking): Promise<number[]> {
  const asker = fork(join(import.meta.dirname, 'directory-asker.ts'))
  asker.send(asking)
  return new Promise((resolve, reject) => {
    asker.once('message', (tookMs) => resolve(tookMs as number[]))
    asker.once('error', reject)
    asker.once('exit', (code) => reject(new Error(`the asker ended with ${code}`)))
  })
}
