import pino from 'pino'
import type { Config } from '../config.ts'
import { AppError } from '../errors.ts'
import type { Log } from '../journeys/context.ts'

/** JSON lines on standard error; standard output is for people, and a terminal shows both: there it is quieter. */
export function openLog({ logLevel }: Pick<Config, 'logLevel'>): Log {
  const level = logLevel ?? (process.stderr.isTTY ? 'warn' : 'info')
  const formatters = { level: (label: string) => ({ level: label }) }
  const serializers = { err: shown }
  return pino({ level, base: null, formatters, serializers }, pino.destination({ dest: 2, sync: true }))
}

/** What was expected to go wrong is its words and remedy; where in the code it was noticed helps with the unexpected only. */
function shown(error: unknown): unknown {
  if (error instanceof AppError && error.code !== 'INTERNAL')
    return { code: error.code, message: error.message, hint: error.hint }
  return error instanceof Error ? pino.stdSerializers.err(error) : error
}
