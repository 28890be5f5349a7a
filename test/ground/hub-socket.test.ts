import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { refuseSecondHub } from '../../src/hub/hub-server.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), `ringfence-hub-socket-${process.pid}-`))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('the socket of a hub', () => {
  test('is not taken from one that is too busy to answer', async () => {
    const path = join(folder, 'busy.sock')
    const child = await listener(path, { backlog: 1 })
    const waiting: Socket[] = []
    try {
      child.kill('SIGSTOP')
      // A stopped program takes nobody in: its queue is full after a few.
      let code: string | null = null
      for (let tries = 0; code === null && tries < 50; tries++) code = await knock(path, waiting)
      expect(code).toBe('EAGAIN')
      await expect(refuseSecondHub(path)).rejects.toMatchObject({
        code: 'CONFLICT',
        hint: expect.stringContaining('RINGFENCE_HUB_SOCKET'),
      })
    } finally {
      for (const socket of waiting) socket.destroy()
      await killed(child)
    }
  })

  test('is free where a killed one left it, and where there is none', async () => {
    const path = join(folder, 'left.sock')
    await killed(await listener(path, {}))
    await refuseSecondHub(path)
    await refuseSecondHub(join(folder, 'none.sock'))
  })
})

async function listener(path: string, options: object): Promise<ChildProcess> {
  const listen = JSON.stringify({ path, ...options })
  const script = `require('node:net').createServer().listen(${listen}, () => console.log('up'))`
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  return child
}

async function killed(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}

/** Null when the queue took it, else the error's code. */
function knock(path: string, waiting: Socket[]): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect(path, () => resolve(null))
    waiting.push(socket)
    socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code ?? ''))
  })
}
