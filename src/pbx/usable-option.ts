import { isIP } from 'node:net'
import { plainPath, plainWord } from '../domain/plain-word.ts'
import { AppError } from '../errors.ts'

/** Each throws AppError CONFIG_INVALID for a value that could mean something else in a file of a PBX. */
export interface Usable {
  word(what: string, value: string): void
  path(value: string): void
  port(value: number): void
  /** The characters of one, as a socket is bound to. */
  address(what: string, value: string): void
  ip(what: string, value: string): void
  /** The error itself, for what has a rule of its own. */
  unusable(what: string, value: string): AppError
}

/** The guard against injection: options are written into these files as they are. `hint` says what can be used there. */
export function usable(product: string, hint: string): Usable {
  const unusable = (what: string, value: string) =>
    new AppError('CONFIG_INVALID', `${JSON.stringify(value.slice(0, 200))} cannot be used as ${what} for ${product}`, {
      hint,
    })
  return {
    word(what, value) {
      if (!plainWord.test(value)) throw unusable(what, value)
    },
    path(value) {
      if (!plainPath.test(value)) throw unusable('path', value)
    },
    port(value) {
      if (!Number.isInteger(value) || value < 1 || value > 65_535) throw unusable('port', String(value))
    },
    address(what, value) {
      if (!/^[0-9a-fA-F.:]+$/.test(value)) throw unusable(what, value)
    },
    ip(what, value) {
      if (isIP(value) === 0) throw unusable(what, value)
    },
    unusable,
  }
}
