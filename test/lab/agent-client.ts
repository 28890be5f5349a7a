import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { AgentDeeds } from './agent.ts'

export type Agent = AgentDeeds & { readonly pid: number; close(): Promise<void> }

const program = fileURLToPath(new URL('agent.ts', import.meta.url))
const answerTimeoutMs = 30_000

/** Starts agent.ts behind `prefix` (`ip netns exec NAME`) and speaks to it over Node's own channel. */
export async function startAgent(prefix: readonly string[]): Promise<Agent> {
  const [execPath, ...before] = [...prefix, process.execPath]
  // `fork` for its channel; the program it runs is `ip`, which becomes Node.
  const child = fork(program, [], {
    execPath: execPath!,
    execArgv: before,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const waiting = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>()
  let nextId = 0
  const ready = Promise.withResolvers<void>()
  child.on('message', (message: { id: number; result?: unknown; error?: string }) => {
    if (message.id < 0) return ready.resolve()
    const asked = waiting.get(message.id)
    waiting.delete(message.id)
    if (message.error === undefined) asked?.resolve(message.result)
    else asked?.reject(new Error(message.error))
    return undefined
  })
  void gone.then(() => {
    ready.reject(new Error('the agent ended before it was ready'))
    for (const { reject } of waiting.values()) reject(new Error('the agent ended'))
  })
  await ready.promise

  const ask = (deed: keyof AgentDeeds) => (parameters: unknown) =>
    new Promise<never>((resolve, reject) => {
      const id = nextId++
      const limit = setTimeout(() => reject(new Error(`the agent did not answer ${deed}`)), answerTimeoutMs)
      waiting.set(id, {
        resolve: (result) => {
          clearTimeout(limit)
          resolve(result as never)
        },
        reject: (error) => {
          clearTimeout(limit)
          reject(error)
        },
      })
      child.send({ id, deed, parameters })
    })
  return {
    pid: child.pid!,
    listen: ask('listen'),
    probe: ask('probe'),
    stream: ask('stream'),
    stopStreams: ask('stopStreams'),
    received: ask('received'),
    async close() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
      await gone
    },
  }
}
