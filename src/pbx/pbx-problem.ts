import { AppError } from '../errors.ts'
import type { PbxDescription } from './pbx-driver.ts'

export type Problem = PbxDescription['problems'][number]

/** An error of a part that `doctor` looked at, as a line of its list. */
export function asProblem(error: unknown): Problem[] {
  if (error instanceof AppError) return [{ message: error.message, hint: error.hint ?? '' }]
  throw error
}
