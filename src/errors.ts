import type { Problem } from './domain/parse.ts'

/**
 * Every code that Ringfence can answer with. Scripts rely on them: add, never rename.
 * The HTTP edge maps a code to a status in one table (http/problem.ts).
 */
export type ErrorCode =
  | 'ADDRESS_POOL_EXHAUSTED'
  | 'CERTIFICATE_AUTHORITY_SEALED'
  | 'COMMAND_FAILED'
  | 'CONFIG_INVALID'
  | 'CONFLICT'
  | 'FORBIDDEN'
  | 'HUB_REFUSED'
  | 'HUB_UNREACHABLE'
  | 'INTERNAL'
  | 'INVALID_INPUT'
  | 'JOURNAL_UNREADABLE'
  | 'MAIL_NOT_CONFIGURED'
  | 'MAIL_REFUSED'
  | 'MAIL_UNREACHABLE'
  | 'MODEL_UNKNOWN'
  | 'NOT_FOUND'
  | 'PBX_REFUSED'
  | 'PBX_UNREACHABLE'
  | 'SERVER_UNREACHABLE'
  | 'STORE_BUSY'
  | 'STORE_IN_USE'
  | 'TEMPLATE_INVALID'
  | 'TIMEOUT'
  | 'TOO_LARGE'
  | 'UNAUTHORIZED'
  | 'VAULT_LOCKED'

interface AppErrorOptions {
  readonly hint?: string
  readonly retryable?: boolean
  readonly cause?: unknown
  readonly problems?: readonly Problem[]
}

/**
 * The only error that leaves a room on purpose.
 * `message`: what happened, lower-case start, no full stop, never a secret. `hint`: what the admin does next.
 */
export class AppError extends Error {
  override readonly name = 'AppError'
  readonly code: ErrorCode
  readonly hint: string | undefined
  readonly retryable: boolean
  readonly problems: readonly Problem[]

  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.hint = options.hint
    this.retryable = options.retryable ?? false
    this.problems = options.problems ?? []
  }
}

/** Anything thrown, as an AppError; the original stays reachable as `cause`, its text does not travel. */
export function asAppError(error: unknown): AppError {
  if (error instanceof AppError) return error
  return new AppError('INTERNAL', 'something inside Ringfence went wrong', {
    hint: 'the server log has the details; please report it if it comes back',
    retryable: true,
    cause: error,
  })
}
