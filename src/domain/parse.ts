import type { Problem } from '../errors.ts'

/** The answer of every parse function: the value, or what is wrong with it in words for the person who typed it. */
export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: Problem }

export function good<T>(value: T): Parsed<T> {
  return { ok: true, value }
}

export function bad(field: string, message: string, hint?: string): Parsed<never> {
  return { ok: false, problem: { field, message, ...(hint === undefined ? {} : { hint }) } }
}
