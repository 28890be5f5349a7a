import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { aboutFolder, createDurably, makeFolder, readIfThere, writeIfOther } from '../../durable-file.ts'
import { AppError, asAppError } from '../../errors.ts'
import { freeMemory, tableRows } from '../kamailio/kamailio-memory.ts'
import type { KamailioRpc } from '../kamailio/kamailio-rpc.ts'
import { callsOf } from './edge-calls.ts'
import { edgeFiles } from './edge-options.ts'
import { reloadRefused } from './edge-readers.ts'
import { changeTables, type EdgeState, listMark, markText, readEdge } from './edge-state.ts'
import { type EdgeRows, readTableFile, spentFile, spentTable, tableFiles } from './edge-tables.ts'

/** What a revocation list says, as far as the edge is concerned. */
export interface EdgeList {
  readonly number: number
  readonly thisUpdate: Date
  readonly nextUpdate: Date
  /** Decimal. */
  readonly serials: ReadonlySet<string>
}

export interface EdgeKeeperOptions {
  /** The edge's folder as seen from here. */
  readonly folder: string
  readonly rpc: KamailioRpc
  /** Everything that should be, complete; `deny` with the day on which each certificate runs out. */
  readonly desired: () => Promise<EdgeRows>
  /** The published list, PEM. */
  readonly publishedList: () => Promise<Buffer>
  /** Null for what is no list of ours. */
  readonly readList: (bytes: Buffer) => EdgeList | null
  readonly now: () => Date
  /** Tests cannot wait for the default. */
  readonly listEveryMs?: number
}

export interface EdgeSnapshot extends EdgeState {
  readonly readAt: Date
  /** The list that the edge has taken over; null where that is not known (it has just started). */
  readonly inForce: EdgeList | null
  /** The same, or where it is not known what lies in the folder: what it started with. Null for no list at all. */
  readonly lastHanded: EdgeList | null
  /** Why the edge could not be brought in step the last time; null where it could. */
  readonly hindrance: AppError | null
}

export interface EdgeKeeper {
  /**
   * Brings the edge into the state that is wanted when this is called: files first, so that it also starts in it, then its
   * tables, key by key, then the connections of phones that were taken back, then the list. Idempotent; requests that
   * come while one is under way share the next.
   */
  publish(signal: AbortSignal): Promise<void>
  /**
   * Denies these serials (decimal, with the day on which each runs out) and ends their connections, without a look at
   * anything else. May run beside `publish`, which never takes a serial out of the deny table.
   */
  shut(serials: ReadonlyMap<string, string>, signal: AbortSignal): Promise<void>
  /** A `publish` is under way. */
  isChanging(): boolean
  read(signal: AbortSignal): Promise<EdgeSnapshot>
}

/**
 * Each `tls.reload` costs Kamailio 5.6.3 some 0.6 MB of shared memory that it does not give back (measured). The deny table
 * has done its work by then, so lists are handed over in batches.
 */
const defaultListEveryMs = 600_000

/** Below this no list is handed over: at 4.5 MB Kamailio begins to refuse all TLS, its own management included. */
export const scarceMemory = 16 * 1024 * 1024

/** Readable by the group of Kamailio's user; the folder decides who that is. */
const fileMode = 0o640

export function edgeKeeper(options: EdgeKeeperOptions): EdgeKeeper {
  const { folder, rpc, readList, now } = options
  let current: Promise<void> | undefined
  let next: Promise<void> | undefined
  // A list that was taken over stays readable here when the file is gone.
  let taken: { digest: string; list: EdgeList } | null = null
  let takenAt = 0
  let hindrance: AppError | null = null

  return {
    publish(signal) {
      if (next) return next
      if (!current) return start(signal)
      // The one under way may have read the database before our caller's change.
      next = current.then(
        () => start(signal),
        () => start(signal),
      )
      return next
    },
    async shut(serials, signal) {
      for (const [serial, until] of serials) await rpc.call('htable.sets', ['deny', serial, until], signal)
      await rpc.get('cut', signal)
    },
    isChanging: () => current !== undefined,
    async read(signal) {
      const readAt = now()
      const state = await readEdge(rpc, signal)
      const inForce = await listInForce(state)
      return { ...state, readAt, inForce, lastHanded: inForce ?? (await listInFolder()), hindrance }
    },
  }

  function start(signal: AbortSignal): Promise<void> {
    next = undefined
    current = bringInStep(signal)
      .then(
        () => {
          hindrance = null
        },
        (error: unknown) => {
          const told = aboutFolder(error, { folder, name: 'RINGFENCE_EDGE_DIR', group: 'kamailio' })
          hindrance = asAppError(told)
          throw told
        },
      )
      .finally(() => {
        current = undefined
      })
    return current
  }

  async function bringInStep(signal: AbortSignal): Promise<void> {
    await makeFolder(folder, 0o750)
    const wanted = await withFormerDenials(await options.desired())
    for (const [name, text] of Object.entries(tableFiles(wanted)))
      await writeIfOther(join(folder, name), text, fileMode)
    if ((await readIfThere(join(folder, spentTable))) === null)
      await createDurably(join(folder, spentTable), spentFile(new Map()), fileMode)
    const list = await options.publishedList()
    const facts = readList(list)
    // A list that shuts out everybody, or is none, is never handed on.
    const usable = facts !== null && facts.nextUpdate > now()
    if (usable) await writeIfOther(join(folder, edgeFiles.revocationList), list, fileMode)
    const { rows, over } = await readEdge(rpc, signal)
    await changeTables(rpc, rows, wanted, signal)
    await rpc.get('cut', signal)
    // Kamailio does not tell its script of every end.
    for (const connection of over) await rpc.callUnless(/not found/i, 'htable.delete', ['conn', connection], signal)
    const calls = callsOf(now(), await tableRows(rpc, 'ringfence_spent', signal))
    await writeIfOther(join(folder, spentTable), spentFile(calls), fileMode)
    if (!usable) throw noList()
    await takeOver(list, facts, signal)
  }

  /** `tls.reload` takes over what is in the file; its answer counts, and the mark is set only after a good one. */
  async function takeOver(bytes: Buffer, list: EdgeList, signal: AbortSignal): Promise<void> {
    const digest = digestOf(bytes)
    const mark = await listMark(rpc, signal)
    if (mark?.digest !== digest) {
      const every = options.listEveryMs ?? defaultListEveryMs
      if (mark !== null && now().getTime() - takenAt < every) return
      if ((await freeMemory(rpc, signal)) < scarceMemory) throw outOfMemory()
      takenAt = now().getTime()
      await rpc.call('tls.reload', [], signal).catch((error: unknown) => reloadRefused(folder, error))
      const still = await readIfThere(join(folder, edgeFiles.revocationList))
      if (still === null || digestOf(still) !== digest) throw changedMeanwhile()
      await rpc.call('htable.sets', ['mark', 'list', markText({ number: list.number, digest })], signal)
    }
    taken = { digest, list }
  }

  async function listInForce(state: EdgeState): Promise<EdgeList | null> {
    if (state.list === null) return null
    if (taken?.digest === state.list.digest) return taken.list
    const bytes = await readIfThere(join(folder, edgeFiles.revocationList))
    const list = bytes && digestOf(bytes) === state.list.digest ? readList(bytes) : null
    if (list) taken = { digest: state.list.digest, list }
    return list
  }

  async function listInFolder(): Promise<EdgeList | null> {
    const bytes = await readIfThere(join(folder, edgeFiles.revocationList))
    return bytes && readList(bytes)
  }

  /** What was denied before stays so until its certificate has run out, also when the database is an older copy that has it in service. */
  async function withFormerDenials(wanted: EdgeRows): Promise<EdgeRows> {
    const text = await readIfThere(join(folder, 'deny'), 'utf8')
    const before = text === null ? null : readTableFile(text)
    const today = now().toISOString().slice(0, 10)
    // One that has run out gets no connection anyway; without this the table would grow for ever.
    const needed = [...(before ?? []), ...wanted.deny].filter(([, until]) => until >= today)
    return { ...wanted, deny: new Map(needed) }
  }
}

function digestOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 16)
}

function outOfMemory(): AppError {
  return new AppError('PBX_REFUSED', 'the edge has too little memory left to take over a new revocation list', {
    hint: 'restart Kamailio on the edge, with more shared memory (-m); until then the deny table works and phones go on',
    retryable: true,
  })
}

function noList(): AppError {
  return new AppError('PBX_REFUSED', 'there is no revocation list in force that the edge could be given', {
    hint: 'Ringfence publishes one by itself; until then the edge keeps the former list, and the deny table works',
    retryable: true,
  })
}

function changedMeanwhile(): AppError {
  return new AppError('PBX_REFUSED', 'the revocation list in the folder of the edge changed while it was taken over', {
    hint: 'somebody else writes into that folder; Ringfence tries again',
    retryable: true,
  })
}
