import { AppError } from '../errors.ts'

/** What may travel to a database. Times travel as ISO text, yes and no as 1 and 0. */
export type SqlValue = null | number | bigint | string | boolean | Uint8Array

/**
 * Throws for anything else. node:sqlite takes a Date or a plain object for *named* parameters and silently stores NULL,
 * PostgreSQL's driver stores a Date in its own spelling: neither may ever happen.
 */
export function assertSqlValue(value: unknown): asserts value is SqlValue {
  switch (typeof value) {
    case 'string':
    case 'bigint':
    case 'boolean':
      return
    case 'number':
      if (Number.isFinite(value)) return
      break
    case 'object':
      if (value === null || value instanceof Uint8Array) return
  }
  const found =
    value instanceof Date ? 'a Date' : typeof value === 'number' ? String(value) : `a value of type ${typeof value}`
  throw new AppError('INTERNAL', `${found} cannot be stored`, {
    hint: 'this is a fault in Ringfence: times must be ISO 8601 text; please report it',
  })
}
