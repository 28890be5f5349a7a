/** One thing wrong with what somebody gave us; `row` counts lines of a file from 1, the header being row 1. */
export interface Problem {
  readonly field?: string
  readonly row?: number
  readonly message: string
  readonly hint?: string
}

/** The answer of every parse function: the value, or what is wrong with it in words for the person who typed it. */
export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: Problem }

/** For checking several things at once: hands on the value, or notes what is wrong and hands on null. */
export function noting(problems: Problem[], where: Pick<Problem, 'row'> = {}): <T>(parsed: Parsed<T>) => T | null {
  return (parsed) => {
    if (parsed.ok) return parsed.value
    problems.push({ ...where, ...parsed.problem })
    return null
  }
}

export function good<T>(value: T): Parsed<T> {
  return { ok: true, value }
}

export function bad(field: string, message: string, hint?: string): Parsed<never> {
  return { ok: false, problem: { field, message, ...(hint === undefined ? {} : { hint }) } }
}
