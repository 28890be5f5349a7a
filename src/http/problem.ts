import { STATUS_CODES } from 'node:http'
import type { Problem } from '../domain/parse.ts'
import { AppError, asAppError, type ErrorCode } from '../errors.ts'

/** The one place where a code becomes a status. 503 is what may pass by itself, 502 what another system refused. */
const statusOf: Readonly<Record<ErrorCode, number>> = {
  ADDRESS_POOL_EXHAUSTED: 409,
  CERTIFICATE_AUTHORITY_SEALED: 503,
  COMMAND_FAILED: 500,
  CONFIG_INVALID: 500,
  CONFLICT: 409,
  FORBIDDEN: 403,
  HUB_REFUSED: 502,
  HUB_UNREACHABLE: 503,
  INTERNAL: 500,
  INVALID_INPUT: 400,
  JOURNAL_UNREADABLE: 503,
  MAIL_NOT_CONFIGURED: 409,
  MAIL_REFUSED: 502,
  MAIL_UNREACHABLE: 503,
  MODEL_UNKNOWN: 400,
  NOT_FOUND: 404,
  PBX_REFUSED: 502,
  PBX_UNREACHABLE: 503,
  SERVER_UNREACHABLE: 503,
  STORE_BUSY: 503,
  STORE_IN_USE: 503,
  TEMPLATE_INVALID: 409,
  TIMEOUT: 504,
  TOO_LARGE: 413,
  UNAUTHORIZED: 401,
  VAULT_LOCKED: 503,
}

export const problemContentType = 'application/problem+json'

/** RFC 9457 with `code` for machines, `hint` for people and `problems` for forms and files. */
export interface ProblemDocument {
  /** Always `about:blank` (RFC 9457 section 4.2.1): `code` says what kind of problem it is. */
  readonly type: 'about:blank'
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: ErrorCode
  readonly hint?: string
  readonly problems: readonly Problem[]
}

export function problemDocument(error: AppError): ProblemDocument {
  const status = statusOf[error.code]
  return {
    type: 'about:blank',
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail: error.message,
    code: error.code,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    problems: error.problems,
  }
}

/** What express and its body parsers throw, in our words; everything unknown becomes INTERNAL. */
export function edgeError(error: unknown): AppError {
  if (error instanceof AppError || !(error instanceof Error)) return asAppError(error)
  const type = 'type' in error && typeof error.type === 'string' ? error.type : ''
  if (type === 'entity.too.large') return tooLarge('limit' in error ? Number(error.limit) : undefined)
  if (type === 'entity.parse.failed') return invalid('the body is not valid JSON', 'check quotes, commas and brackets')
  if (type.startsWith('encoding.') || type.startsWith('charset.')) {
    return invalid('the body has an encoding that is not accepted', 'send UTF-8 without compression')
  }
  if (type.startsWith('request.')) return invalid('the body did not arrive whole', 'send it again')
  if (error instanceof URIError || ('status' in error && error.status === 400)) {
    return invalid('the address contains a broken percent-encoding', 'encode the parts of the path as UTF-8')
  }
  return asAppError(error)
}

function invalid(message: string, hint: string): AppError {
  return new AppError('INVALID_INPUT', message, { hint })
}

function tooLarge(limit: number | undefined): AppError {
  const most = limit === undefined || Number.isNaN(limit) ? '' : ` than ${Math.round(limit / (1024 * 1024))} MB`
  return new AppError('TOO_LARGE', `the body is larger${most}`, { hint: 'split it into several requests' })
}
