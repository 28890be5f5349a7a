import { randomBytes } from 'node:crypto'
import { lookup } from 'node:dns/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { ExecaError, execa } from 'execa'
import { AppError } from './errors.ts'

/** What the outside world gives: the clock, chance, and other programs. Tests hand in their own. */
export interface System {
  now(): Date
  randomBytes(size: number): Buffer
  run(command: string, args: readonly string[], options: RunOptions): Promise<RunResult>
}

interface RunOptions {
  /** Written to the program's standard input: the way for a secret, which never goes into `args`. */
  readonly input?: string
  /** Default 10 000 ms; the program is killed when it is over. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal | undefined
  readonly env?: Readonly<Record<string, string>>
}

interface RunResult {
  readonly stdout: string
  readonly stderr: string
}

/** The real world. The only user of execa: arguments as a list, never a shell, always a limit in time. */
export const realSystem: System = {
  now: () => new Date(),
  randomBytes: (size) => randomBytes(size),
  async run(command, args, { input, timeoutMs = 10_000, signal, env }) {
    try {
      const { stdout, stderr } = await execa(command, args, {
        // An ignored stdin keeps programs from waiting for words that never come.
        ...(input === undefined ? { stdin: 'ignore' as const } : { input }),
        timeout: timeoutMs,
        ...(signal ? { cancelSignal: signal } : {}),
        ...(env ? { env } : {}),
        maxBuffer: 256 * 1024 * 1024,
      })
      return { stdout, stderr }
    } catch (error) {
      throw commandFailed(command, error, input)
    }
  },
}

/**
 * Keeps the program's name and its own words; drops the command line, which execa puts in every message. Programs such as
 * wg(8) quote what they did not understand, so whatever looks like a key and came in through `input` is struck out.
 */
function commandFailed(command: string, error: unknown, input = ''): AppError {
  if (!(error instanceof ExecaError)) return new AppError('COMMAND_FAILED', `${command} could not be run`)
  if (error.code === 'ENOENT') {
    return new AppError('COMMAND_FAILED', `${command} is not installed`, {
      hint: '`ringfence doctor` names the package',
    })
  }
  if (error.timedOut) return new AppError('COMMAND_FAILED', `${command} did not finish in time`, { retryable: true })
  const words = String(error.stderr ?? '')
    .trim()
    .split('\n')
    .slice(-3)
    .join('; ')
    .replace(/[A-Za-z0-9+/_-]{20,}/g, (word) => (input.includes(word) ? '[secret]' : word))
  return new AppError('COMMAND_FAILED', `${command} failed${words ? `: ${words.slice(0, 400)}` : ''}`, {
    retryable: true,
  })
}

/** A name service that does not answer must not keep a page waiting. */
const lookUpMs = 3_000

/** Every address that a name leads to here, as any program on this host finds it; empty when it leads nowhere. */
export async function resolveHost(host: string): Promise<readonly string[]> {
  const found = lookup(host, { all: true }).catch(() => [])
  const entries = await Promise.race([found, pause(lookUpMs, [], { ref: false })])
  return entries.map(({ address }) => address)
}

// The last id's millisecond and the number it had in it.
const last = { at: -1, count: 0 }

/**
 * A time-ordered identifier (UUID version 7, RFC 9562 section 5.7): rows made together lie together, and those of one
 * millisecond in the order in which they were made (a counter of 12 bits, section 6.2 method 1).
 */
export function newId(system: Pick<System, 'now' | 'randomBytes'>): string {
  const bytes = system.randomBytes(16)
  const at = system.now().getTime()
  last.count = at === last.at ? (last.count + 1) & 0xfff : 0
  last.at = at
  bytes.writeUIntBE(at, 0, 6)
  bytes.writeUInt16BE(0x7000 | last.count, 6)
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
