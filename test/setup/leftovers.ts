import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { basename, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { testCache } from './programs.ts'

/** Something that a test should have taken away. `remove` does it now, so that the next run starts clean. */
export interface Leftover {
  readonly what: string
  readonly remove: () => void
}

/** One test run, as its traces show it. */
export interface TestRun {
  /** Stands in the environment (RINGFENCE_TEST_RUN) of every process that the run starts, however deep. */
  readonly mark: string
  /** The run's own TMPDIR. */
  readonly folder: string
  readonly before: Footprint
}

/** What was on the machine before: it belongs to somebody else and is not spoken of. */
export interface Footprint {
  readonly namespaces: ReadonlySet<string>
  readonly interfaces: ReadonlySet<string>
  readonly sockets: ReadonlySet<string>
}

const namespaceFolder = '/run/netns'
const interfaceFolder = '/sys/class/net'
const socketFolder = '/run/wireguard'

export function footprint(): Footprint {
  return {
    namespaces: new Set(namesIn(namespaceFolder)),
    interfaces: new Set(namesIn(interfaceFolder)),
    sockets: new Set(namesIn(socketFolder)),
  }
}

/**
 * Everything of this run that outlived it. Waits up to `graceMs` for processes that are on their way out. Another run on
 * the same machine, at the same time, is not blamed: processes and files are told apart by mark and folder, the rest by
 * the process number that the tests put in their names.
 */
export async function leftoversOf(run: TestRun, graceMs = 5000): Promise<readonly Leftover[]> {
  const limit = Date.now() + graceMs
  while (markedProcesses(run).length > 0 && Date.now() < limit) await pause(50)
  const processes = markedProcesses(run).map(({ pid, command }) => ({
    what: `process ${pid} (${command})`,
    remove: () => {
      process.kill(pid, 'SIGKILL')
    },
  }))
  const namespaces = namesIn(namespaceFolder)
    .filter((name) => !run.before.namespaces.has(name) && isAbandoned(name))
    .map((name) => ({
      what: `network namespace ${name}`,
      remove: () => {
        spawnSync('ip', ['netns', 'delete', name], { timeout: 10_000 })
      },
    }))
  const interfaces = namesIn(interfaceFolder)
    .filter((name) => !run.before.interfaces.has(name) && isAbandoned(name))
    .map((name) => ({
      what: `network interface ${name}`,
      remove: () => {
        spawnSync('ip', ['link', 'delete', name], { timeout: 10_000 })
      },
    }))
  const asterisks = join(testCache(), 'asterisk', 'srv')
  const files = [
    ...namesIn(run.folder).map((name) => join(run.folder, name)),
    ...namesIn(asterisks)
      .filter(isAbandoned)
      .map((name) => join(asterisks, name)),
    ...(await deadSockets(run)),
  ].map((path) => ({ what: `file ${path}`, remove: () => rmSync(path, { recursive: true, force: true }) }))
  return [...processes, ...namespaces, ...interfaces, ...files]
}

/**
 * Named by the tests, and by a process that is no more: they write its number into the name, in decimals or to the base of
 * 36. A living one may still use it; the run itself and what started it never do.
 */
function isAbandoned(name: string): boolean {
  if (!/^(ringfence|rf)/i.test(name)) return false
  const own = ancestors()
  return !namesIn('/proc').some((entry) => {
    const pid = Number(entry)
    if (!Number.isInteger(pid) || own.has(pid) || !isNode(pid)) return false
    return name.includes(entry) || name.includes(pid.toString(36))
  })
}

function isNode(pid: number): boolean {
  try {
    return basename(readlinkSync(`/proc/${pid}/exe`)).startsWith('node')
  } catch {
    // It ended meanwhile, or is a kernel thread.
    return false
  }
}

function ancestors(): ReadonlySet<number> {
  const found = new Set<number>()
  for (let pid = process.pid; pid > 1 && !found.has(pid); ) {
    found.add(pid)
    try {
      pid = Number(/^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
    } catch {
      // It ended meanwhile: nothing further up is to be found by it.
      break
    }
  }
  return found
}

/** wireguard-go's sockets that nobody listens on any more. */
async function deadSockets(run: TestRun): Promise<readonly string[]> {
  const fresh = namesIn(socketFolder).filter((name) => name.endsWith('.sock') && !run.before.sockets.has(name))
  const paths = fresh.map((name) => join(socketFolder, name))
  const dead = await Promise.all(paths.map(isDead))
  return paths.filter((_, index) => dead[index])
}

function isDead(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(false)
    })
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'))
  })
}

/** By environment, or by folder: PostgreSQL and Chromium write their title over the environment. */
function markedProcesses({ mark, folder }: TestRun): readonly { readonly pid: number; readonly command: string }[] {
  return namesIn('/proc').flatMap((name) => {
    const pid = Number(name)
    if (!Number.isInteger(pid) || pid === process.pid) return []
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
      // A zombie has no command line any more and goes when its parent looks.
      if (!command) return []
      const marked =
        readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(`RINGFENCE_TEST_RUN=${mark}`) ||
        command.includes(folder) ||
        readlinkSync(`/proc/${pid}/cwd`).startsWith(folder)
      return marked ? [{ pid, command: command.slice(0, 120) }] : []
    } catch {
      // It ended while we looked, or it is another user's: not ours either way.
      return []
    }
  })
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    // No such folder on this machine: nothing is in it.
    return []
  }
}
