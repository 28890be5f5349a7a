/**
 * The program that `serve` starts as its child; like cli.ts it is an entry point and does its work when it is loaded.
 * Its settings come as JSON in RINGFENCE_HUB_SETTINGS. It ends with its parent, and leaves the tunnels running then.
 */

import { asAppError } from '../errors.ts'
import type { HubLog } from './hub-log.ts'
import { runHub } from './hub-main.ts'
import { hubSettingsSchema } from './hub-settings.ts'

const log: HubLog = {
  info: (facts, message) => write('info', facts, message),
  warn: (facts, message) => write('warn', facts, message),
  error: (facts, message) => write('error', facts, message),
}

try {
  const settings = hubSettingsSchema.parse(JSON.parse(process.env.RINGFENCE_HUB_SETTINGS ?? 'null'))
  const hub = await runHub(settings, log)
  process.once('disconnect', () => void hub.stop(false))
  // The parent may have gone while the hub was starting.
  if (process.send && !process.connected) void hub.stop(false)
  // A terminal sends Ctrl-C to the whole group, systemd SIGTERM to the whole unit; the parent decides what becomes of the
  // tunnels and says so.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined)
  if ((await hub.ended) === 'lost') process.exitCode = 1
  // Leaves nothing that could keep the process: the channel to the parent would.
  if (process.connected) process.disconnect()
} catch (error) {
  const { code, message, hint, retryable } = asAppError(error)
  log.error({ code, hint, ...(code === 'INTERNAL' ? { err: error } : {}) }, message)
  process.exitCode = 1
  // Whoever waits for the first answer can say why there will be none.
  const isFinal = code === 'HUB_REFUSED' && !retryable
  if (process.connected && process.send) process.send({ message, hint, isFinal }, () => process.disconnect())
}

/** Like the server's: quieter in a terminal, unless RINGFENCE_LOG_LEVEL says otherwise. */
function isWanted(level: string): boolean {
  const levels = ['debug', 'info', 'warn', 'error']
  const least = process.env.RINGFENCE_LOG_LEVEL?.trim().toLowerCase() || (process.stderr.isTTY ? 'warn' : 'info')
  return levels.indexOf(level) >= levels.indexOf(least)
}

/** One JSON object a line, with the field names that pino has; an error by its message and where it came from. */
function write(level: string, facts: object, message: string): void {
  if (!isWanted(level)) return
  const shown = JSON.stringify({ level, time: Date.now(), part: 'hub', ...facts, msg: message }, (_, value) =>
    value instanceof Error ? { message: value.message, stack: value.stack } : value,
  )
  process.stderr.write(`${shown}\n`)
}
