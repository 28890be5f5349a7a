/** What is wrong with an input, as one error: a single problem speaks for itself, several are counted and listed. */
import type { Problem } from '../domain/parse.ts'
import { AppError, type ErrorCode } from '../errors.ts'

export function invalid(problems: readonly Problem[]): AppError {
  const code = problems.every(({ field }) => field === 'model') ? 'MODEL_UNKNOWN' : 'INVALID_INPUT'
  return refusal(code, problems, 'things need another look')
}

export function taken(problems: readonly Problem[]): AppError {
  return refusal('CONFLICT', problems, 'things are taken')
}

function refusal(code: ErrorCode, problems: readonly Problem[], counted: string): AppError {
  const only = problems.length === 1 ? problems[0] : undefined
  return new AppError(code, only?.message ?? `${problems.length} ${counted}`, {
    ...(only?.hint ? { hint: only.hint } : {}),
    problems,
  })
}
