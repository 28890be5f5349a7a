import { createServer } from 'node:net'
import { consoleApp } from '../../src/http/console.ts'
import { startConsole } from '../../src/http/listeners.ts'
import { qrLevel, svg } from '../../src/phones/qr.ts'
import { openWorld, type World, type WorldOptions } from './world.ts'

export interface ConsoleWorld extends AsyncDisposable {
  readonly world: World
  readonly port: number
  /** Where browsers find it: by name, so that passkeys can be had. */
  readonly url: string
  readonly logged: () => string
}

/** The whole application behind the real console on a port of loopback. */
export async function openConsoleWorld(options: WorldOptions = {}): Promise<ConsoleWorld> {
  const port = await freePort()
  const url = `http://localhost:${port}`
  const world = await openWorld({ begin: false, ...options, env: { RINGFENCE_CONSOLE_URL: url, ...options.env } })
  const lines: string[] = []
  const note = (fields: object, message: string) => void lines.push(JSON.stringify({ ...fields, message }))
  const app = consoleApp(world.app, {
    door: 'network',
    version: '0.0.0-test',
    url,
    log: { info: note, warn: note, error: note },
    drawQr: (text, title) => svg(text, qrLevel('address', text), title),
  })
  const listener = await startConsole(app, { host: '127.0.0.1', port })
  return {
    world,
    port,
    url,
    logged: () => lines.join('\n') + world.log.join(''),
    async [Symbol.asyncDispose]() {
      await listener.stop(0)
      await world[Symbol.asyncDispose]()
    },
  }
}

/** The console must know its address before it listens, as in earnest. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}
