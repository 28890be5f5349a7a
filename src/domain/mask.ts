import { Secret } from './secret.ts'

/**
 * Stands in a file for a secret when people look at it: it says which one it is and how often that was changed, so that a
 * rotation shows as a change. Whoever prints secrets need not know about it. Letters, digits and `-` only, which every file
 * format carries unchanged.
 */
export class Mask extends Secret {
  readonly #name: string
  readonly #edition: string

  constructor(name: string, edition: string) {
    super(`masked-${name}-${edition}`)
    this.#name = name
    this.#edition = edition
  }

  /** For what is worked out from the secret: its digits, its hash. */
  of(what: string): Mask {
    return new Mask(`${this.#name}-${what}`, this.#edition)
  }
}
