import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { AppError } from '../errors.ts'
import { hubClient } from '../tunnels/hub-client.ts'
import type { HubLog } from './hub-log.ts'
import type { HubSettingsInput } from './hub-settings.ts'

interface HubChild {
  /** The process id of the hub that runs now; undefined between two lives. */
  readonly pid: number | undefined
  /** Asks the hub to end, taking interface and firewall table away, and waits until it has. False: it did not hear that. */
  stop(takeAway?: boolean): Promise<boolean>
}

interface HubChildOptions {
  /** The program and its first arguments; default: this Node with hub-entry.ts. */
  readonly command?: readonly [string, ...string[]]
  /** How long the first start may take until it is given up; default 20 s. */
  readonly startTimeoutMs?: number
  /** Where the child's own log lines go; default: where ours go. */
  readonly output?: 'inherit' | 'ignore'
}

/** What a hub says before it ends; `isFinal`: another try would say the same. */
const refusalSchema = z.object({ message: z.string(), hint: z.string().optional(), isFinal: z.boolean() })
type Refusal = z.output<typeof refusalSchema>

const entry = fileURLToPath(new URL('hub-entry.ts', import.meta.url))
const pollMs = 20
const firstPauseMs = 200
const longestPauseMs = 30_000
const stopTimeoutMs = 20_000

/**
 * Runs the hub as a child of this process, starts it again when it dies, and resolves when it first answers.
 * @throws AppError HUB_REFUSED when it says that trying again is of no use, as where its interface belongs to another;
 *   HUB_UNREACHABLE when it does not come up. Nothing runs then.
 */
export async function startHubChild(
  settings: HubSettingsInput,
  log: HubLog,
  { command = [process.execPath, entry], startTimeoutMs = 20_000, output = 'inherit' }: HubChildOptions = {},
): Promise<HubChild> {
  const client = hubClient(settings.socketPath, { timeoutMs: stopTimeoutMs })
  let child: ChildProcess | undefined
  let gone: Promise<void> = Promise.resolve()
  let pauseMs = firstPauseMs
  let refusal: Refusal | undefined
  let hasAnswered = false
  const stopping = new AbortController()

  function start(): void {
    const [program, ...args] = command
    const startedAt = Date.now()
    const started = spawn(program, args, {
      // Settings hold no secret; the environment still keeps them out of the list of processes.
      env: { ...withoutSettings(process.env), RINGFENCE_HUB_SETTINGS: JSON.stringify(settings) },
      // The channel tells the child when its parent is gone.
      stdio: ['ignore', output, output, 'ipc'],
    })
    child = started
    started.on('message', (said) => {
      refusal = refusalSchema.safeParse(said).data
    })
    gone = new Promise((resolve) => {
      const ended = (reason: string) => {
        if (child !== started) return
        child = undefined
        resolve()
        if (!stopping.signal.aborted && (hasAnswered || !refusal?.isFinal))
          void startAgain(reason, Date.now() - startedAt)
      }
      started.once('error', ({ message }) => ended(message))
      started.once('exit', (code, signal) => ended(signal ?? `status ${code}`))
    })
  }

  async function startAgain(reason: string, livedMs: number): Promise<void> {
    pauseMs = livedMs > longestPauseMs ? firstPauseMs : pauseMs
    log.warn({ reason, pauseMs }, 'the hub process ended; it is started again')
    const waited = await delay(pauseMs, true, { signal: stopping.signal }).catch(() => false)
    pauseMs = Math.min(pauseMs * 2, longestPauseMs)
    if (waited) start()
  }

  async function stop(takeAway = true): Promise<boolean> {
    stopping.abort()
    let heard = false
    if (child) {
      const asked = client.shutdown(takeAway, AbortSignal.timeout(stopTimeoutMs))
      heard = await asked
        .then(() => true)
        .catch((error: unknown) => {
          log.warn({ err: error }, 'the hub could not be asked to end; it is told to')
          // While it starts a signal ends it. Once it serves it ends with its channel only: a signal may be meant for us.
          child?.kill('SIGTERM')
          if (child?.connected) child.disconnect()
          return false
        })
      const last = setTimeout(() => child?.kill('SIGKILL'), stopTimeoutMs)
      await gone
      clearTimeout(last)
    }
    client.close()
    return heard
  }

  start()
  const until = Date.now() + startTimeoutMs
  for (;;) {
    const ready = await client.describe(AbortSignal.timeout(startTimeoutMs)).then(
      () => true,
      () => false,
    )
    if (ready) break
    if (refusal?.isFinal && !child) {
      await stop()
      throw new AppError('HUB_REFUSED', refusal.message, refusal.hint === undefined ? {} : { hint: refusal.hint })
    }
    if (Date.now() > until) {
      await stop()
      throw new AppError(
        'HUB_UNREACHABLE',
        `the hub process does not come up${refusal ? `: ${refusal.message}` : ''}`,
        { hint: refusal?.hint ?? 'its log, just above, says why', retryable: true },
      )
    }
    await delay(pollMs)
  }
  hasAnswered = true
  return {
    get pid() {
      return child?.pid
    },
    stop,
  }
}

/** The server's settings are none of the hub's business, and the passphrase may be among them. */
function withoutSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const passedOn = (name: string) =>
    !name.startsWith('RINGFENCE_') || name === 'RINGFENCE_LOG_LEVEL' || name.startsWith('RINGFENCE_TEST_')
  return Object.fromEntries(Object.entries(env).filter(([name]) => passedOn(name)))
}
