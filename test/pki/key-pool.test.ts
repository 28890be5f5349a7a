import { spawn } from 'node:child_process'
import { createHash, createPrivateKey, createPublicKey } from 'node:crypto'
import { once } from 'node:events'
import { chmod, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, test, vi } from 'vitest'
import { type KeyPair, makeKeyPair } from '../../src/pki/key-pair.ts'
import { openKeyPool } from '../../src/pki/key-pool.ts'
import { vaultWith } from '../../src/vault.ts'
import { scratchFolder, testVault } from './pki-fixture.ts'

const patience = { timeout: 20_000, interval: 20 }
const mark = ({ publicKey }: KeyPair) => createHash('sha256').update(publicKey).digest('hex')

async function storedIn(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name.endsWith('.key'))
}

describe('the key pool', () => {
  test('fills up in the background and gives working keys, each of them once', async () => {
    await using scratch = await scratchFolder()
    const pool = await openKeyPool({ folder: scratch.path, vault: testVault, size: 2, concurrency: 2 })
    try {
      await vi.waitUntil(() => pool.available === 2, patience)
      expect(await storedIn(scratch.path)).toHaveLength(2)
      const taken = await Promise.all([pool.take(), pool.take(), pool.take()])
      expect(new Set(taken.map(mark)).size).toBe(3)
      for (const { publicKey, privateKey } of taken) {
        const fromPrivate = createPublicKey(createPrivateKey(privateKey.reveal())).export({
          type: 'spki',
          format: 'der',
        })
        expect(fromPrivate.equals(publicKey)).toBe(true)
      }
      await vi.waitUntil(() => pool.available === 2, patience)
    } finally {
      await pool.stop()
    }
  }, 30_000)

  test('makes keys on demand when it is empty, for those who wait first come first served', async () => {
    await using scratch = await scratchFolder()
    const pool = await openKeyPool({ folder: scratch.path, vault: testVault, size: 0, concurrency: 1 })
    const order: number[] = []
    const taken = await Promise.all(
      [1, 2, 3].map(async (turn) => {
        const pair = await pool.take()
        order.push(turn)
        return pair
      }),
    )
    expect(order).toEqual([1, 2, 3])
    expect(new Set(taken.map(mark)).size).toBe(3)
    expect(await storedIn(scratch.path)).toEqual([])
    await pool.stop()
  }, 30_000)

  test('warms up for a bulk import and then falls back to its size', async () => {
    await using scratch = await scratchFolder()
    const pool = await openKeyPool({ folder: scratch.path, vault: testVault, size: 1, concurrency: 2 })
    try {
      await pool.warm(4)
      expect(pool.available).toBeGreaterThanOrEqual(4)
      await Promise.all([pool.take(), pool.take(), pool.take(), pool.take()])
      await vi.waitUntil(() => pool.available >= 1, patience)
      await pool.stop()
      expect(pool.available).toBeLessThanOrEqual(2)
    } finally {
      await pool.stop()
    }
  }, 30_000)

  test('keeps its keys sealed, and takes them over after a restart', async () => {
    await using scratch = await scratchFolder()
    const first = await openKeyPool({ folder: scratch.path, vault: testVault, size: 2 })
    await vi.waitUntil(() => first.available === 2, patience)
    await first.stop()
    for (const name of await storedIn(scratch.path)) {
      expect(await readFile(join(scratch.path, name), 'utf8')).toMatch(/^v1\.[\w-]+\n$/)
    }
    await writeFile(join(scratch.path, '.half-written.tmp'), 'x')
    const second = await openKeyPool({ folder: scratch.path, vault: testVault, size: 0 })
    expect(second.available).toBe(2)
    expect(new Set([mark(await second.take()), mark(await second.take())]).size).toBe(2)
    expect(await readdir(scratch.path)).toEqual([])
    await second.stop()
  }, 30_000)

  test('throws away keys of another vault or damaged files instead of handing them out', async () => {
    await using scratch = await scratchFolder()
    const foreign = vaultWith(Buffer.alloc(32, 1))
    await writeFile(join(scratch.path, 'a.key'), foreign.seal((await makeKeyPair(2048)).privateKey, 'key-pool:a.key'))
    await writeFile(join(scratch.path, 'b.key'), '')
    const pool = await openKeyPool({ folder: scratch.path, vault: testVault, size: 0 })
    expect(pool.available).toBe(2)
    expect(createPrivateKey((await pool.take()).privateKey.reveal()).type).toBe('private')
    expect(await readdir(scratch.path)).toEqual([])
    await pool.stop()
  }, 30_000)

  test('two processes on one folder never get the same key', async () => {
    await using scratch = await scratchFolder()
    const maker = await openKeyPool({ folder: scratch.path, vault: testVault, size: 3 })
    await vi.waitUntil(() => maker.available === 3, patience)
    await maker.stop()
    const pools = await Promise.all([1, 2].map(() => openKeyPool({ folder: scratch.path, vault: testVault, size: 0 })))
    const taken = await Promise.all(pools.flatMap((pool) => [pool.take(), pool.take()]))
    expect(new Set(taken.map(mark)).size).toBe(4)
    await Promise.all(pools.map((pool) => pool.stop()))
  }, 30_000)

  test('that cannot write says so and serves its keys from memory', async () => {
    await using scratch = await scratchFolder()
    const folder = join(scratch.path, 'pool')
    const problems: string[] = []
    const onProblem = (problem: Error) => problems.push(problem.message)
    const opening = openKeyPool({ folder, vault: testVault, size: 1, onProblem })
    const pool = await opening
    // Root may write anywhere, so the folder itself goes.
    await chmod(folder, 0o500)
    await rm(folder, { recursive: true })
    await vi.waitUntil(() => pool.available === 1, patience)
    expect(problems).toEqual(['a key made ahead could not be kept on the disk'])
    expect(createPrivateKey((await pool.take()).privateKey.reveal()).type).toBe('private')
    await pool.stop()
  }, 30_000)

  test('that is stopped turns waiters away with an error that may be tried again', async () => {
    await using scratch = await scratchFolder()
    const pool = await openKeyPool({ folder: scratch.path, vault: testVault, size: 0, concurrency: 1 })
    const waiting = [pool.take(), pool.take(), pool.warm(9)].map((wish) => wish.catch((error: unknown) => error))
    await pool.stop()
    for (const answer of await Promise.all(waiting)) expect(answer).toMatchObject({ code: 'INTERNAL', retryable: true })
    // What was under way when it stopped is kept and may still be taken; nothing new is made.
    while (pool.available > 0) await pool.take()
    await expect(pool.take()).rejects.toMatchObject({ retryable: true })
  }, 30_000)

  test('killed at any moment never gives a taken key again', async () => {
    await using scratch = await scratchFolder()
    const maker = await openKeyPool({ folder: scratch.path, vault: testVault, size: 6 })
    await vi.waitUntil(() => maker.available === 6, patience)
    await maker.stop()
    const source = (name: string) => JSON.stringify(new URL(`../../src/${name}`, import.meta.url).href)
    const program = `
      import { writeSync } from 'node:fs'
      import { createHash } from 'node:crypto'
      import { openKeyPool } from ${source('pki/key-pool.ts')}
      import { vaultWith } from ${source('vault.ts')}
      const pool = await openKeyPool({ folder: process.argv[1], vault: vaultWith(Buffer.alloc(32, 7)), size: 0 })
      const taken = Number(process.argv[2])
      for (let i = 0; i < taken; i++) {
        const { publicKey } = await pool.take()
        // Straight to the pipe: what is printed was given out, whatever happens next.
        writeSync(1, createHash('sha256').update(publicKey).digest('hex') + '\\n')
      }
      void pool.take()
      process.kill(process.pid, 'SIGKILL')
    `
    const given: string[] = []
    for (const count of [1, 2, 1]) {
      const child = spawn(process.execPath, ['--input-type=module', '-e', program, scratch.path, String(count)])
      const [out, errors, [, signal]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
      expect({ signal, errors }).toEqual({ signal: 'SIGKILL', errors: '' })
      given.push(...out.trim().split('\n'))
    }
    const after = await openKeyPool({ folder: scratch.path, vault: testVault, size: 0 })
    while (after.available > 0) given.push(mark(await after.take()))
    await after.stop()
    expect(given.length).toBeGreaterThanOrEqual(4)
    expect(new Set(given).size).toBe(given.length)
  }, 60_000)
})
