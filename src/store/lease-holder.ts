import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'

export interface LeaseHolder {
  readonly host: string
  readonly pid: number
  /** Start time of the process, so that a re-used pid is not taken for it; `thisProcess()` fills all three. */
  readonly startedAt: string
}

/**
 * This process, in terms that another one can check: `host` is the host's name and its pid namespace (two containers may
 * share a name, and each has its own process 1), `startedAt` the boot and the clock ticks since then (proc_pid_stat(5),
 * field 22), which survive a change of the wall clock.
 */
export function thisProcess(): LeaseHolder {
  return {
    host: thisHost(),
    pid: process.pid,
    startedAt: startedAt('self') ?? new Date(Date.now() - process.uptime() * 1000).toISOString(),
  }
}

/**
 * True only when it is certain: the holder ran on this very host, and its process is gone, its pid belongs to a later
 * process, or the host was started again since. Anything else has to wait until the lease runs out.
 */
export function holderIsDead(holder: LeaseHolder, host: string): boolean {
  if (holder.host !== host || host !== thisHost()) return false
  if (!processExists(holder.pid)) return true
  const found = startedAt(String(holder.pid))
  // Unreadable (another user's process, no /proc) or written by something that knows no ticks: nothing is certain.
  return found !== undefined && /^[0-9a-f-]{36}:[0-9]+$/.test(holder.startedAt) && found !== holder.startedAt
}

function thisHost(): string {
  return `${hostname()}/${ask(() => readlinkSync('/proc/self/ns/pid').replace(/\D/g, '')) ?? 'unknown'}`
}

function startedAt(pid: string): string | undefined {
  const stat = ask(() => readFileSync(`/proc/${pid}/stat`, 'utf8'))
  const boot = ask(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim())
  // The command's name is in brackets and may hold anything, so count from the last bracket: state is field 3.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state, ticks] = [fields?.[0], fields?.[19]]
  if (boot === undefined || ticks === undefined) return undefined
  // A zombie writes nothing any more: it counts as somebody else.
  return state === 'Z' ? 'zombie' : `${boot}:${ticks}`
}

function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it is there and belongs to somebody else.
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}

/** Undefined where the system has no such file (not Linux, or the process is gone): then nothing is known of it. */
function ask(read: () => string): string | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
