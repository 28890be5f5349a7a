import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { thisProcess } from '../../src/store/lease-holder.ts'
import { openStore } from '../../src/store/open-store.ts'
import type { Store } from '../../src/store/store.ts'

const hour = 3_600_000

describe('the right to write, between processes of one host', () => {
  let folder: string
  let store: Store
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'store-'))
    store = await openStore({ sqlite: join(folder, 'ringfence.db') })
  })
  afterEach(async () => {
    await store.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const take = () => store.acquireLease('writer', thisProcess(), new Date(), hour)

  test('it stays with a process that lives, and is taken over at once when that was killed', async () => {
    const source = (name: string) => JSON.stringify(join(import.meta.dirname, '../../src/store', name))
    const script = `
      const { openStore } = await import(${source('open-store.ts')})
      const { thisProcess } = await import(${source('lease-holder.ts')})
      const store = await openStore({ sqlite: ${JSON.stringify(join(folder, 'ringfence.db'))} })
      const lease = await store.acquireLease('writer', thisProcess(), new Date(), ${hour})
      console.log(lease.token)
      setInterval(() => undefined, 1000)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    try {
      const [said] = (await once(child.stdout, 'data')) as [Buffer]
      await expect(take()).rejects.toMatchObject({
        code: 'STORE_IN_USE',
        message: expect.stringContaining(String(child.pid)),
      })
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
      expect((await take()).token).toBe(Number(said) + 1)
    } finally {
      child.kill('SIGKILL')
    }
  })

  test('a later process with the same number is not taken for the holder', async () => {
    const me = thisProcess()
    await store.acquireLease('writer', { ...me, startedAt: me.startedAt.replace(/[0-9]+$/, '1') }, new Date(), hour)
    expect((await take()).token).toBe(2)
  })

  test('after the host was started again, the number of before means nothing', async () => {
    const me = thisProcess()
    const before = me.startedAt.replace(/^[^:]+/, '00000000-0000-0000-0000-000000000000')
    await store.acquireLease('writer', { ...me, startedAt: before }, new Date(), hour)
    expect((await take()).token).toBe(2)
  })

  test('of a process on another host, or in another container, nothing is known: its time has to run out', async () => {
    const elsewhere = { ...thisProcess(), host: 'elsewhere/4026531836', pid: 2 ** 22 + 1 }
    await store.acquireLease('writer', elsewhere, new Date(), hour)
    await expect(take()).rejects.toMatchObject({ code: 'STORE_IN_USE' })
    const later = new Date(Date.now() + hour + 1)
    expect((await store.acquireLease('writer', thisProcess(), later, hour)).token).toBe(2)
  })
})
