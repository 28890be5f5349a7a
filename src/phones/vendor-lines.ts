/**
 * Lines that an admin wrote in a vendor's own format, for the end of a file: the one value that passes the escape as it is.
 * They are text and no template, so no secret can come into them. Whether they can stand in the file is looked at when they
 * are set (setting-support.ts); a filter, or JSON, sees only the mark below.
 */
export class VendorLines {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  asTheyStand(): string {
    return this.#text
  }

  toString(): string {
    return '[vendor lines]'
  }

  toJSON(): string {
    return '[vendor lines]'
  }
}
