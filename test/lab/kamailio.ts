import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { kamailioModules } from '../setup/programs.ts'

/**
 * A private Kamailio for one test: Debian's program with a folder of its own. The test (or what it tests) puts
 * `kamailio.cfg` and what that needs into `folder`; several can run at once. `stop` leaves no process and no file behind,
 * and should the test die first, the kernel ends all of them.
 */
export interface KamailioLab {
  /** Where `kamailio.cfg` is looked for. */
  readonly folder: string
  /** What `kamailio -c` says of the configuration; null when it accepts it. */
  refusal(): string | null
  log(): string
  /** Resolves when something listens on all of `ports` (TCP) of `address`. */
  start(): Promise<void>
  /** False also when it ended by itself. */
  runs(): boolean
  /** Ends the processes, the files stay. `SIGKILL`: as in a power cut. */
  halt(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>
  restart(): Promise<void>
  /** Stops it in its tracks, as a machine that is far too busy: it takes connections and says nothing, until `thaw`. */
  freeze(): void
  thaw(): void
  stop(): Promise<void>
}

export interface KamailioLabOptions {
  readonly address: string
  readonly ports: readonly number[]
  /** Name of an existing network namespace. */
  readonly namespace?: string
  readonly environment?: Readonly<Record<string, string>>
  /** Shared memory; Debian's default of 64 MB carries some hundred TLS connections and some dozen reloads of TLS. */
  readonly memoryMb?: number
}

export function kamailioLab(options: KamailioLabOptions): KamailioLab {
  const modules = kamailioModules()
  if (!modules) throw new Error('Kamailio is not installed')
  const home = mkdtempSync(join(tmpdir(), `ringfence-kamailio-${process.pid}-`))
  const folder = join(home, 'etc')
  const run = join(home, 'run')
  for (const one of [folder, run]) mkdirSync(one, { mode: 0o700 })
  const program = [
    'kamailio',
    ...['-f', join(folder, 'kamailio.cfg'), '-L', modules, '-Y', run, '-w', run],
    ...['-m', String(options.memoryMb ?? 256), '-M', options.memoryMb ? '32' : '8'],
  ]
  let words = ''
  let child: ChildProcess | null = null
  const killAtExit = () => {
    signalGroup(child, 'SIGKILL')
    rmSync(home, { recursive: true, force: true })
  }
  process.on('exit', killAtExit)

  async function start(): Promise<void> {
    const inside = options.namespace ? ['ip', 'netns', 'exec', options.namespace] : []
    // Its processes do not end with their parent, so they get a family that the kernel ends as one.
    const family = process.getuid?.() === 0 ? ['unshare', '--pid', '--kill-child', '--fork'] : []
    // No file with a process number: in a family of its own the number is always the same, and one that was killed keeps
    // the next from starting.
    const [command, ...args] = ['setpriv', '--pdeathsig', 'KILL', ...inside, ...family, ...program, '-DD', '-E']
    const started = spawn(command!, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      env: { ...process.env, ...options.environment },
    })
    child = started
    for (const stream of [started.stdout!, started.stderr!])
      stream.on('data', (chunk) => {
        words = `${words}${chunk}`.slice(-1_000_000)
      })
    const limit = Date.now() + 20_000
    while ((await listening()).includes(false)) {
      if (started.exitCode !== null || started.signalCode)
        throw new Error(`kamailio ended at once: ${words.slice(-4000)}`)
      if (Date.now() > limit) {
        await halt('SIGKILL')
        throw new Error(`kamailio is not ready after 20 s: ${words.slice(-4000)}`)
      }
      await pause(50)
    }
  }

  async function listening(): Promise<readonly boolean[]> {
    if (options.namespace) {
      const { stdout } = spawnSync('ip', ['netns', 'exec', options.namespace, 'ss', '-Hltn'], { encoding: 'utf8' })
      return options.ports.map((port) => new RegExp(`:${port}\\s`).test(stdout))
    }
    return Promise.all(options.ports.map((port) => listens(options.address, port)))
  }

  async function halt(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const running = child
    child = null
    if (!running || running.exitCode !== null || running.signalCode) return
    const gone = new Promise<void>((resolve) => running.once('exit', () => resolve()))
    signalGroup(running, signal)
    const ended = await Promise.race([gone.then(() => true), pause(5000, false, { ref: false })])
    if (!ended) signalGroup(running, 'SIGKILL')
    await gone
    // The first of the family may be gone before the others: the next one could not listen, and would be taken for ready.
    const limit = Date.now() + 10_000
    while ((await listening()).includes(true) && Date.now() < limit) await pause(20)
  }

  return {
    folder,
    refusal() {
      const [command, ...args] = [...program, '-c']
      const { status, stderr } = spawnSync(command!, args, { encoding: 'utf8', timeout: 20_000 })
      return status === 0 ? null : stderr
    },
    log: () => words,
    runs: () => child !== null && child.exitCode === null && child.signalCode === null,
    start,
    halt,
    async restart() {
      await halt()
      await start()
    },
    freeze: () => signalGroup(child, 'SIGSTOP'),
    thaw: () => signalGroup(child, 'SIGCONT'),
    async stop() {
      signalGroup(child, 'SIGCONT')
      await halt()
      process.off('exit', killAtExit)
      rmSync(home, { recursive: true, force: true })
    },
  }
}

/** Ports that nothing has now, for TCP. */
export async function freeTcpPorts(address: string, count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer())
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve, reject) => {
          server.once('error', reject)
          server.listen(0, address, () => {
            const bound = server.address()
            resolve(typeof bound === 'object' && bound ? bound.port : 0)
          })
        }),
    ),
  )
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

function listens(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port })
    const tell = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(1000, () => tell(false))
    socket.once('connect', () => tell(true))
    socket.once('error', () => tell(false))
  })
}

function signalGroup(child: ChildProcess | null, signal: NodeJS.Signals): void {
  if (!child?.pid || child.exitCode !== null || child.signalCode) return
  try {
    process.kill(-child.pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
