import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { type ConsoleOptions, consoleApp } from '../../src/http/console.ts'
import { type Listener, startAdminSocket, startConsole, startPhoneDoor } from '../../src/http/listeners.ts'
import { type PhoneDoorOptions, phoneDoorApp } from '../../src/http/phone-door.ts'
import { qrLevel, svg } from '../../src/phones/qr.ts'
import { type FakeApplication, fakeApplication } from '../fakes/fake-application.ts'

export interface Doors extends AsyncDisposable {
  readonly application: FakeApplication
  readonly consolePort: number
  readonly phonePort: number
  readonly socket: string
  readonly folder: string
  /** Every log line so far. */
  readonly logged: () => string
}

interface DoorsOptions {
  readonly console?: Partial<ConsoleOptions>
  readonly phoneDoor?: Partial<PhoneDoorOptions>
}

/** A fake application behind the real doors: loopback ports, a socket in a folder of its own, a real pino log. */
export async function openDoors(options: DoorsOptions = {}): Promise<Doors> {
  const application = fakeApplication()
  const lines: string[] = []
  const log = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) })
  const folder = await mkdtemp(join(tmpdir(), `ringfence-doors-${process.pid}-`))
  const socket = join(folder, 'admin.sock')
  const common = { log, version: '0.0.0-test', ...options.console }
  const loopback = { host: '127.0.0.1', port: 0 }
  const drawQr = (text: string, content: 'tunnel' | 'address', title: string): string =>
    svg(text, qrLevel(content, text), title)

  const started: Listener[] = []
  const keep = async (listener: Promise<Listener>): Promise<Listener> => {
    started.push(await listener)
    return listener
  }
  const console_ = await keep(startConsole(consoleApp(application, { ...common, door: 'network' }), loopback))
  await keep(startAdminSocket(consoleApp(application, { ...common, door: 'admin-socket' }), socket))
  const door = phoneDoorApp(application, { log, drawQr, now: () => new Date(), ...options.phoneDoor })
  const phones = await keep(startPhoneDoor(door, loopback, null))
  return {
    application,
    consolePort: console_.address!.port,
    phonePort: phones.address!.port,
    socket,
    folder,
    logged: () => lines.join(''),
    async [Symbol.asyncDispose]() {
      await Promise.all(started.map((listener) => listener.stop(0)))
      await rm(folder, { recursive: true, force: true })
    },
  }
}

export const ada = {
  name: 'Ada Example',
  email: 'ada@example.com',
  extension: '1001',
  handsets: [{ model: 'linphone-mobile' }],
}

export const owner = { name: 'test', role: 'owner', via: 'system' } as const
