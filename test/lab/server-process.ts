import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { uapiSocketPath } from '../../src/tunnels/uapi.ts'
import { type Namespace, until } from './network.ts'

/**
 * `ringfence serve` as a process of its own in a namespace, with a data folder that outlives it: it can be killed the hard
 * way, started again, and spoken to over its admin socket.
 */
export interface ServerProcess extends AsyncDisposable {
  readonly dataFolder: string
  /** Of the server itself; undefined while it is down. */
  pid(): number | undefined
  /** Resolves when it answers. */
  start(): Promise<void>
  /** As a system would: it takes its hub down with it. */
  stop(): Promise<void>
  /** kill -9 of the server; its hub notices and ends by itself, the tunnels live on. */
  kill(): Promise<void>
  /** kill -9 of the hub process alone; the server starts another one. False when none runs at this moment. */
  killHub(): boolean
  api(method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<ApiAnswer>
  /** What it wrote so far, all of its lives. */
  log(): string
}

export interface ApiAnswer {
  readonly status: number
  // The API's own shapes are checked by the server; a test names what it reads.
  readonly body: unknown
}

/** What an admin starts; it becomes the server's process. */
const command = fileURLToPath(new URL('../../ringfence', import.meta.url))
const startTimeoutMs = 30_000
const stopTimeoutMs = 25_000

export async function serverProcess(
  place: Namespace,
  interfaceName: string,
  settings: Readonly<Record<string, string>>,
): Promise<ServerProcess> {
  const dataFolder = await mkdtemp(join(tmpdir(), `rf-spine-${process.pid}-`))
  const socketPath = join(dataFolder, 'admin.sock')
  let child: ChildProcess | null = null
  let words = ''
  // Should this process die without a word, the server must not stay; its hub ends with it.
  const killAtExit = () => {
    child?.kill('SIGKILL')
    killUserspace()
  }
  process.on('exit', killAtExit)

  function killUserspace(): void {
    const path = join(dataFolder, 'hub', `${interfaceName}.pid`)
    if (!existsSync(path)) return
    const pid = Number(readFileSync(path, 'utf8'))
    if (commandLine(pid).includes(interfaceName)) process.kill(pid, 'SIGTERM')
  }

  async function start(): Promise<void> {
    const [program, ...before] = place.prefix
    const started = spawn(program, [...before, command, 'serve'], {
      env: {
        ...Object.fromEntries(Object.entries(process.env).filter(([name]) => isHarmless(name))),
        ...Object.fromEntries(Object.entries(settings).map(([name, value]) => [`RINGFENCE_${name}`, value])),
        PATH: `${dirname(process.execPath)}:${process.env.PATH ?? ''}`,
        RINGFENCE_DATA: dataFolder,
        RINGFENCE_HUB_INTERFACE: interfaceName,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    child = started
    for (const stream of [started.stdout, started.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        words += chunk
        if (process.env.RINGFENCE_TEST_LOG === '1') process.stderr.write(chunk)
      })
    }
    await until(async () => {
      if (started.exitCode !== null || started.signalCode !== null)
        throw new Error(`the server ended at once: ${words.slice(-4_000)}`)
      return (await ask('GET', '/healthz').catch(() => null))?.status === 200
    }, startTimeoutMs)
  }

  function ask(method: string, path: string, body?: unknown, headers: Readonly<Record<string, string>> = {}) {
    return new Promise<ApiAnswer>((resolve, reject) => {
      const text = body === undefined ? null : JSON.stringify(body)
      const sent = request(
        {
          socketPath,
          method,
          path,
          headers: { host: 'localhost', ...(text === null ? {} : { 'content-type': 'application/json' }), ...headers },
          timeout: 30_000,
        },
        (response) => {
          let received = ''
          response.setEncoding('utf8')
          response.on('data', (chunk: string) => {
            received += chunk
          })
          response.on('end', () => {
            const isJson = /json/.test(response.headers['content-type'] ?? '')
            resolve({ status: response.statusCode ?? 0, body: isJson ? JSON.parse(received) : received })
          })
          response.on('error', reject)
        },
      )
      sent.on('timeout', () => sent.destroy(new Error(`no answer to ${method} ${path}`)))
      sent.on('error', reject)
      sent.end(text ?? undefined)
    })
  }

  /** Waits for nothing but the process itself: whoever starts it again does it as quickly as systemd would. */
  async function end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const running = child
    child = null
    if (!running || running.exitCode !== null || running.signalCode !== null) return
    const gone = new Promise((resolve) => running.once('exit', resolve))
    running.kill(signal)
    const last = setTimeout(() => running.kill('SIGKILL'), stopTimeoutMs)
    await gone
    clearTimeout(last)
  }

  return {
    dataFolder,
    pid: () => child?.pid,
    start,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    killHub() {
      const pid = hubPid(child?.pid)
      if (pid !== undefined) process.kill(pid, 'SIGKILL')
      return pid !== undefined
    },
    api: ask,
    log: () => words,
    async [Symbol.asyncDispose]() {
      const hub = hubPid(child?.pid)
      await end('SIGTERM')
      process.off('exit', killAtExit)
      killUserspace()
      if (hub !== undefined) await until(() => commandLine(hub) === '', 20_000)
      await until(() => !existsSync(uapiSocketPath(interfaceName)), 5_000)
      await rm(dataFolder, { recursive: true, force: true })
    },
  }
}

/** Nothing of the caller's own Ringfence may decide what is tested. */
function isHarmless(name: string): boolean {
  return !name.startsWith('RINGFENCE_') || name === 'RINGFENCE_TEST_RUN'
}

/** The hub is the server's only child that runs hub-entry.ts. */
function hubPid(serverPid: number | undefined): number | undefined {
  if (serverPid === undefined) return undefined
  try {
    const children = readFileSync(`/proc/${serverPid}/task/${serverPid}/children`, 'utf8').split(' ').filter(Boolean)
    return children.map(Number).find((pid) => commandLine(pid).includes('hub-entry.ts'))
  } catch {
    // The server is gone, and with it what it started.
    return undefined
  }
}

/** Empty for a process that is gone or waits to be reaped. */
function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}
