import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { writeDurably } from '../durable-file.ts'
import { AppError } from '../errors.ts'
import type { Revision } from '../tunnels/hub-port.ts'

/** Keeps a writer whose lease was taken over from changing anything, also after a restart of the hub. */
export interface RevisionFence {
  /** Of the last writer; 0 before the first. */
  lease(): number
  /**
   * Peers and firewall are counted apart: their changes do not wait for each other. The lease is one for both.
   * @throws AppError HUB_REFUSED when the revision is older than the last one taken. The same one again is fine: it is
   * how a writer repeats a request whose answer got lost.
   */
  pass(kind: 'peers' | 'firewall', revision: Revision): Promise<void>
  /** Waits until what is known is on the disk. */
  settle(): Promise<void>
}

interface FenceState {
  readonly lease: number
  readonly peers: number
  readonly firewall: number
}

export const nothingTaken: FenceState = { lease: 0, peers: 0, firewall: 0 }

/**
 * The rule itself: what was taken last, and what it is after this revision.
 * @throws AppError HUB_REFUSED when the revision is older.
 */
export function afterRevision(last: FenceState, kind: 'peers' | 'firewall', { lease, number }: Revision): FenceState {
  if (lease < last.lease || (lease === last.lease && number < last[kind])) {
    throw new AppError('HUB_REFUSED', `revision ${lease}.${number} is older than ${last.lease}.${last[kind]}`, {
      hint: 'another server has taken over this hub: stop one of the two; if there is none, restart the one that is left',
    })
  }
  return { ...(lease > last.lease ? { ...nothingTaken, lease } : last), [kind]: number }
}

const stateSchema = z.object({ lease: z.int().min(0), peers: z.int().min(0), firewall: z.int().min(0) })

export async function openRevisionFence(dataFolder: string): Promise<RevisionFence> {
  const path = join(dataFolder, 'revision.json')
  let last = await readLast(path)
  let written = last
  let writing: Promise<void> = Promise.resolve()

  function write(): Promise<void> {
    writing = writing
      // Whoever waited for the write before heard of its failure; this one tries again with all that is known.
      .catch(() => undefined)
      .then(async () => {
        const state = last
        if (written === state) return
        await writeDurably(path, `${JSON.stringify(state)}\n`)
        written = state
      })
    return writing
  }

  return {
    lease: () => last.lease,
    async pass(kind, revision) {
      last = afterRevision(last, kind, revision)
      const writingNow = write()
      // A deposed writer must stay deposed through a power cut, so a new lease waits for the disk. Within a lease there is
      // one writer on one connection; its order outlives a restart without help, and a removal need not wait for a disk.
      if (written.lease !== revision.lease) await writingNow
      else writingNow.catch(() => undefined)
    },
    settle: write,
  }
}

async function readLast(path: string): Promise<FenceState> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (text === undefined) return nothingTaken
  try {
    return stateSchema.parse(JSON.parse(text))
  } catch (cause) {
    throw new AppError('CONFIG_INVALID', `${path} is damaged`, {
      hint: 'stop all servers but one and delete the file; the next request sets it anew',
      cause,
    })
  }
}
