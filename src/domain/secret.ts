import { timingSafeEqual } from 'node:crypto'

const inspect = Symbol.for('nodejs.util.inspect.custom')

/**
 * A value that must not reach a log, an error text, an argument list or a snapshot.
 * However it is printed it reads `[secret]`; the one way to the text is `reveal()`, at the point of use.
 */
export class Secret {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  reveal(): string {
    return this.#text
  }

  /** Constant-time comparison; lengths are not hidden. */
  equals(other: Secret): boolean {
    const mine = Buffer.from(this.#text)
    const theirs = Buffer.from(other.#text)
    return mine.length === theirs.length && timingSafeEqual(mine, theirs)
  }

  toString(): string {
    return '[secret]'
  }

  toJSON(): string {
    return '[secret]'
  }

  [inspect](): string {
    return '[secret]'
  }
}
