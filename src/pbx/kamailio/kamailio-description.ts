import type { PbxDescription } from '../pbx-driver.ts'
import { readMark } from './kamailio-accounts.ts'
import { otherDatabaseHint, readCopiedList } from './kamailio-files.ts'
import type { KamailioOptions } from './kamailio-options.ts'
import type { KamailioRpc } from './kamailio-rpc.ts'
import { registrarScript, scriptFile } from './kamailio-script.ts'
import { type RunningKamailio, readRunning } from './kamailio-state.ts'
import { withTables } from './kamailio-tables.ts'

type Problem = PbxDescription['problems'][number]

/** Half of the time that a published list is good for: by then a new one should long have come. */
const warnDays = 15
const day = 86_400_000

export async function describeKamailio(
  options: KamailioOptions,
  rpc: KamailioRpc,
  signal: AbortSignal,
): Promise<PbxDescription> {
  const before = await withTables(options.database, signal, readMark)
  const running = await readRunning(rpc, signal)
  // An account may be written at this very moment.
  const after = await withTables(options.database, signal, readMark)
  const problems = [
    scriptProblem(options, running),
    running.mark === before || running.mark === after
      ? null
      : {
          message: 'Kamailio does not read the database that Ringfence writes',
          hint: otherDatabaseHint(options),
        },
    await listProblem(options, new Date()),
  ]
  return { product: running.product, problems: problems.filter((problem) => problem !== null) }
}

function scriptProblem(options: KamailioOptions, running: RunningKamailio): Problem | null {
  if (running.script === registrarScript(options).fingerprint) return null
  return {
    message: 'Kamailio runs a script that was written for other settings',
    hint: `restart it with ${options.folder}/${scriptFile}, which Ringfence keeps up to date: a script is read at the start only`,
  }
}

/** A list that ran out locks every phone with a certificate out, so it is told long before. */
async function listProblem(options: KamailioOptions, now: Date): Promise<Problem | null> {
  const list = (await readCopiedList(options))?.content
  if (!list) {
    return {
      message: `the revocation list in ${options.folder} is missing or damaged: Kamailio would not start again`,
      hint: 'Ringfence puts the newest one there by itself; if this stays, see who else writes there and whether Ringfence may',
    }
  }
  const left = Math.floor((list.nextUpdate.getTime() - now.getTime()) / day)
  if (left >= warnDays) return null
  const state =
    list.nextUpdate <= now ? 'ran out: every phone with a certificate is refused' : `runs out in ${left} days`
  return {
    message: `the revocation list ${list.number} that Kamailio has ${state}`,
    hint: 'Ringfence publishes a new one every day: see its log for why it does not, and the clocks of both machines',
  }
}
