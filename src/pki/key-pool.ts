import { randomUUID } from 'node:crypto'
import { readdir, readFile, unlink } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { Secret } from '../domain/secret.ts'
import { privateFolder, removeDurably, writeDurably } from '../durable-file.ts'
import { AppError, asAppError } from '../errors.ts'
import type { Vault } from '../vault.ts'
import { type KeyPair, makeKeyPair } from './key-pair.ts'

/**
 * RSA-2048 keys made ahead, because making one is 99 % of what a certificate costs (0.25 s of CPU).
 * Each lies sealed in a file of its own, which is gone for good before its key is handed out: whatever is killed and
 * when, no two phones get the same key.
 */
export interface KeyPool {
  /** Keys that `take` could give at once. */
  readonly available: number
  /** A key nobody else has or will have: from the pool, else the next one that is made. */
  take(): Promise<KeyPair>
  /**
   * Makes keys for that many takes to come, as a bulk import needs them; of several wishes the largest counts. Resolves
   * when those not yet taken are all there. Nobody has to wait for it: `take` serves in order meanwhile.
   */
  warm(count: number): Promise<void>
  /** Makes no more keys; who still waits for one gets an error. Resolves when nothing is under way. */
  stop(): Promise<void>
}

export interface KeyPoolOptions {
  /** `<DATA>/pki/pool`; made when absent. */
  readonly folder: string
  readonly vault: Vault
  /** Keys kept ready; 0 makes them on demand only. */
  readonly size?: number
  /** Keys made at the same time. The default leaves one core to the server. */
  readonly concurrency?: number
  /** Hears of a key that could not be made or kept; the pool goes on. */
  readonly onProblem?: (problem: AppError) => void
}

interface Waiter {
  resolve(pair: KeyPair): void
  reject(error: AppError): void
}

const storedSchema = z.object({ publicKey: z.base64(), privateKey: z.string() })

/** Takes over the keys that lie in the folder and begins to fill up in the background. */
export async function openKeyPool(options: KeyPoolOptions): Promise<KeyPool> {
  const { folder, vault, size = 16, concurrency = Math.max(1, availableParallelism() - 1), onProblem } = options
  await privateFolder(folder)
  const files = await storedFiles(folder)
  const inMemory: KeyPair[] = []
  const waiters: Waiter[] = []
  const warming = new Set<() => void>()
  const running = new Set<Promise<void>>()
  let reserved = 0
  let stopped = false
  fill()

  return {
    get available() {
      return available()
    },

    async take() {
      reserved = Math.max(0, reserved - 1)
      const ready = await takeStored()
      if (stopped && !ready) throw stopping()
      if (ready) {
        fill()
        return ready
      }
      return new Promise((resolve, reject) => {
        waiters.push({ resolve, reject })
        fill()
      })
    },

    warm(count) {
      reserved = Math.max(reserved, count)
      return new Promise((resolve, reject) => {
        const check = () => {
          if (available() < reserved && !stopped) return
          warming.delete(check)
          if (available() < reserved) reject(stopping())
          else resolve()
        }
        warming.add(check)
        check()
        fill()
      })
    },

    async stop() {
      stopped = true
      for (const waiter of waiters.splice(0)) waiter.reject(stopping())
      announce()
      await Promise.allSettled(running)
    },
  }

  function available(): number {
    return files.length + inMemory.length
  }

  function announce(): void {
    for (const check of [...warming]) check()
  }

  function fill(): void {
    while (!stopped && running.size < concurrency && running.size < missing()) {
      const job: Promise<void> = makeOne().finally(() => {
        running.delete(job)
        announce()
      })
      running.add(job)
      // Only a success asks for the next: a machine that cannot make keys must not spin.
      void job.then(fill, (error: unknown) => failed(asAppError(error)))
    }
  }

  function missing(): number {
    return waiters.length + Math.max(0, Math.max(size, reserved) - available())
  }

  async function makeOne(): Promise<void> {
    const pair = await makeKeyPair(2048)
    const waiter = waiters.shift()
    if (waiter) return waiter.resolve(pair)
    const name = `${randomUUID()}.key`
    try {
      await writeDurably(join(folder, name), `${vault.seal(packed(pair), contextOf(name))}\n`)
      files.push(name)
    } catch (cause) {
      // A full disk must not waste the key: it serves from memory, and is lost with the process.
      inMemory.push(pair)
      onProblem?.(
        new AppError('INTERNAL', 'a key made ahead could not be kept on the disk', {
          hint: `check free space and permissions of ${folder}`,
          retryable: true,
          cause,
        }),
      )
    }
    serveWaiters()
  }

  /** Somebody may have begun to wait while a key was on its way to the disk. */
  function serveWaiters(): void {
    const waiter = waiters.shift()
    if (!waiter) return
    takeStored().then(
      (pair) => {
        if (pair) return waiter.resolve(pair)
        if (stopped) return waiter.reject(stopping())
        waiters.unshift(waiter)
        fill()
      },
      (error: unknown) => waiter.reject(asAppError(error)),
    )
  }

  async function takeStored(): Promise<KeyPair | undefined> {
    const held = inMemory.shift()
    if (held) return held
    for (let name = files.shift(); name !== undefined; name = files.shift()) {
      const pair = await claim(folder, name, vault)
      if (pair) return pair
    }
    return undefined
  }

  function failed(problem: AppError): void {
    onProblem?.(problem)
    for (const waiter of waiters.splice(0)) waiter.reject(problem)
  }
}

/** Reads a stored key, then removes its file for good, and only then hands it out; undefined when it is not usable. */
async function claim(folder: string, name: string, vault: Vault): Promise<KeyPair | undefined> {
  const path = join(folder, name)
  let sealed: string
  try {
    sealed = await readFile(path, 'utf8')
    // Fails for all but one of those who reach for the same file.
    await unlink(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  await removeDurably(path)
  try {
    const { publicKey, privateKey } = storedSchema.parse(
      JSON.parse(vault.open(sealed.trim(), contextOf(name)).reveal()),
    )
    return { publicKey: Buffer.from(publicKey, 'base64'), privateKey: new Secret(privateKey) }
  } catch {
    // Sealed by another vault, or damaged: nobody ever had this key, so it is no loss, and the next one will do.
    return undefined
  }
}

async function storedFiles(folder: string): Promise<string[]> {
  const names = await readdir(folder)
  // What a kill left half-written has no name of its own and is never read.
  for (const name of names.filter((name) => name.endsWith('.tmp'))) await removeDurably(join(folder, name))
  return names.filter((name) => name.endsWith('.key'))
}

function packed({ publicKey, privateKey }: KeyPair): Secret {
  return new Secret(JSON.stringify({ publicKey: publicKey.toString('base64'), privateKey: privateKey.reveal() }))
}

function contextOf(name: string): string {
  return `key-pool:${name}`
}

function stopping(): AppError {
  return new AppError('INTERNAL', 'no key could be made because the server is stopping', {
    hint: 'try again when it is back',
    retryable: true,
  })
}
