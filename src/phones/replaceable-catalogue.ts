import type { Catalogue } from './phone-port.ts'

export interface ReplaceableCatalogue {
  /** Everybody's: each call goes to the one that counts at that moment. */
  readonly catalogue: Catalogue
  /** From the next call on, for all callers at once. */
  replace(next: Catalogue): void
}

export function replaceableCatalogue(first: Catalogue): ReplaceableCatalogue {
  let current = first
  return {
    // Whatever a catalogue has, this one has too; their methods use no `this`.
    catalogue: new Proxy({} as Catalogue, { get: (_, name) => Reflect.get(current, name) }),
    replace(next) {
      current = next
    },
  }
}
