/** The real application of a world behind the real console, and browsers that are signed in. */
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:net'
import { newAdministrator } from '../../src/domain/administrator.ts'
import { tokenHash } from '../../src/domain/invite.ts'
import type { Role } from '../../src/domain/token.ts'
import { consoleApp } from '../../src/http/console.ts'
import { type Listener, startConsole } from '../../src/http/listeners.ts'
import { qrLevel, svg } from '../../src/phones/qr.ts'
import { newId } from '../../src/system.ts'
import { openWorld, type World, type WorldOptions } from './world.ts'

export interface ConsoleWorld extends AsyncDisposable {
  readonly world: World
  readonly port: number
  /** Where browsers find it: by name, so that passkeys can be had. */
  readonly url: string
  /** Every line of the log. */
  readonly logged: () => string
  /** The cookie of somebody of this role who is fully signed in. */
  signIn(role: Role): Promise<string>
}

export async function openConsoleWorld({
  version = '0.0.0-test',
  ...options
}: WorldOptions & { readonly version?: string } = {}): Promise<ConsoleWorld> {
  const port = await freePort()
  const url = `http://localhost:${port}`
  const world = await openWorld({ ...options, env: { RINGFENCE_CONSOLE_URL: url, ...options.env } })
  const stopping = new AbortController()
  let listener: Listener
  try {
    const app = consoleApp(world.app, {
      log: world.context.log,
      version,
      door: 'network',
      url,
      stopping: stopping.signal,
      drawQr: (text, content, title) => svg(text, qrLevel(content, text), title),
    })
    listener = await startConsole(app, { host: '127.0.0.1', port })
  } catch (error) {
    await world[Symbol.asyncDispose]()
    throw error
  }
  return {
    world,
    port,
    url,
    logged: () => world.log.join(''),
    async signIn(role) {
      const cookie = randomBytes(32).toString('base64url')
      const now = world.context.system.now()
      const at = now.toISOString()
      // Tests travel by days: neither the end nor the idle time of a session is what they are about.
      const later = new Date(now.getTime() + 365 * 86_400_000).toISOString()
      const administratorId = newId(world.context.system)
      await world.store.transaction(async (tx) => {
        await tx.insert('administrator', [
          newAdministrator({
            id: administratorId,
            name: `The ${role}`,
            email: `${role}-${administratorId.slice(-6)}@example.com`,
            role,
            createdAt: at,
            createdBy: 'test',
          }),
        ])
        await tx.insert('session', [
          {
            id: newId(world.context.system),
            administratorId,
            tokenHash: tokenHash(cookie),
            level: 'full',
            how: 'passkey',
            createdAt: at,
            lastSeenAt: later,
            expiresAt: later,
            endedAt: null,
            remoteAddress: '127.0.0.1',
            userAgent: null,
          },
        ])
      })
      return `ringfence=${cookie}`
    },
    async [Symbol.asyncDispose]() {
      stopping.abort()
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
