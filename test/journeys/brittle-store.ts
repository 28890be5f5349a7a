import type { Store, StoreWriter } from '../../src/store/store.ts'

export interface BrittleStore extends Store {
  /** The write (counted from 1 since this was set) that fails; 0 is the commit itself. Null: none. */
  failAt: number | null
  /** How many writes were seen since then. */
  readonly writes: number
}

const writing: readonly (keyof StoreWriter)[] = [
  'insert',
  'update',
  'updateIf',
  'put',
  'remove',
  'shutAdministrator',
  'record',
  'nextNumber',
]

/** A real store that breaks at a chosen write, as a full disk would. */
export function brittle(store: Store): BrittleStore {
  let failAt: number | null = null
  let writes = 0

  function breaking(tx: StoreWriter): StoreWriter {
    return new Proxy(tx, {
      get(target, name: keyof StoreWriter) {
        const member = target[name] as (...given: unknown[]) => unknown
        if (!writing.includes(name)) return member
        return (...given: unknown[]) => {
          writes += 1
          if (failAt === writes) return Promise.reject(new Error('the disk is full (it was told to be)'))
          return member(...given)
        }
      },
    })
  }

  return new Proxy(store, {
    get(target, name) {
      if (name === 'failAt') return failAt
      if (name === 'writes') return writes
      if (name === 'transaction') {
        return <T>(work: (tx: StoreWriter) => Promise<T>) =>
          target.transaction(async (tx) => {
            const result = await work(breaking(tx))
            if (failAt === 0) throw new Error('the disk is full at the commit (it was told to be)')
            return result
          })
      }
      return target[name as keyof Store]
    },
    set(_target, name, value) {
      if (name !== 'failAt') return false
      failAt = value
      writes = 0
      return true
    },
  }) as BrittleStore
}
