import { AppError } from '../errors.ts'
import { ApiProblem } from './api-client.ts'
import { paint, safe, type Terminal } from './terminal.ts'

/** Scripts rely on these; docs/cli.md lists them. */
export const exitCodes = { ok: 0, error: 1, usage: 2, open: 3, notFound: 4 } as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

const ofCode: Readonly<Record<string, ExitCode>> = {
  INVALID_INPUT: exitCodes.usage,
  MODEL_UNKNOWN: exitCodes.usage,
  TOO_LARGE: exitCodes.usage,
  CONFIG_INVALID: exitCodes.usage,
  NOT_FOUND: exitCodes.notFound,
}

/** Says on standard error what went wrong, every problem on a line, and what to do next. */
export function reportError(terminal: Terminal, error: unknown): ExitCode {
  if (!(error instanceof ApiProblem || error instanceof AppError)) throw error
  terminal.err(
    `${paint({ colour: terminal.colour && terminal.errIsTerminal }, 'bad', 'error:')} ${safe(error.message)}`,
  )
  const [only, ...others] = error.problems
  // The one problem is the error itself: saying it again would look like two.
  const isSaid = only !== undefined && others.length === 0 && only.row === undefined && only.message === error.message
  for (const { row, field, message, hint } of isSaid ? [] : error.problems) {
    const place = [row === undefined ? '' : `row ${row}`, field ?? ''].filter((part) => part !== '').join(', ')
    terminal.err(
      `  ${place === '' ? '' : `${safe(place)}: `}${safe(message)}${hint === undefined ? '' : ` (${safe(hint)})`}`,
    )
  }
  const hint = error.hint ?? (isSaid ? only.hint : undefined)
  if (hint !== undefined) terminal.err(`hint: ${safe(hint)}`)
  return ofCode[error.code] ?? exitCodes.error
}
