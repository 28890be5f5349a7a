import type { DoorFetch } from '../store/store.ts'
import { newId } from '../system.ts'
import type { JourneyContext } from './context.ts'
import { writtenTogether } from './written-together.ts'

/** The phone door's ledger lines on their way to the database. */
export interface FetchLedger {
  enter(entry: LedgerEntry): void
  /** Writes what is still in memory. What is about a person is kept for the next time when it cannot be written. */
  flush(): Promise<void>
}

export type LedgerEntry = Omit<DoorFetch, 'id' | 'at'>

interface Line {
  readonly row: DoorFetch
  times: number
}

const batch = 500
/** More than a database that answers ever leaves waiting. */
const mostWaiting = 20_000

export function openFetchLedger(context: Pick<JourneyContext, 'store' | 'system' | 'log'>): FetchLedger {
  let lines: Line[] = []
  let refusals = new Map<string, Line>()
  const report = (error: unknown) => context.log.error({ err: error }, 'the phone door ledger could not be written')
  const writing = writtenTogether(flush, report)

  async function flush(): Promise<void> {
    writing.begin()
    const going = lines
    lines = []
    refusals = new Map()
    if (going.length === 0) return
    try {
      await context.store.transaction((tx) => tx.insert('doorFetch', going.map(rowOf)))
    } catch (error) {
      lines = [...going.filter(isKnown), ...lines]
      throw error
    }
  }

  function enter(entry: LedgerEntry): void {
    // The same refusal again and again is one line with a count: a flood must not wash out what others did.
    const { handsetId, employeeId, remoteAddress, fileName, reason } = entry
    const key = JSON.stringify([handsetId, employeeId, remoteAddress, fileName, reason])
    const same = entry.outcome === 'refused' ? refusals.get(key) : undefined
    if (same) {
      same.times += 1
      return
    }
    if (lines.length >= mostWaiting) makeRoom()
    const line = { row: { id: newId(context.system), at: context.system.now().toISOString(), ...entry }, times: 1 }
    lines.push(line)
    if (entry.outcome === 'refused') refusals.set(key, line)
    // By the size of a batch, so that a database that fails is not asked again for each line.
    if (lines.length % batch === 0) flush().catch(report)
    else writing.soon()
  }

  /** Under a flood the strangers of this moment are worth less than memory, and only then the oldest of the others. */
  function makeRoom(): void {
    lines = lines.filter(isKnown).slice(-(mostWaiting - batch))
    refusals = new Map()
  }

  return { enter, flush }
}

function isKnown({ row }: Line): boolean {
  return row.handsetId !== null || row.employeeId !== null
}

function rowOf({ row, times }: Line): DoorFetch {
  return times === 1 ? row : { ...row, reason: `${row.reason} (×${times})` }
}
