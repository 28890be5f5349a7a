import type { Store, StoreWriter } from '../../src/store/store.ts'

/** An empty database of some kind, for one test. */
export interface StoreUnderTest {
  open(): Promise<Store>
  /** The same database again, as after a restart. */
  reopen(): Promise<Store>
  /** Behind the store's back, as an intruder or a restored backup would. */
  tamper(sql: string): Promise<void>
  dispose(): Promise<void>
}

/** What a part of the contract has in hand: the store of the running test, with the cast in it. */
export interface StoreHand {
  store(): Store
  write<T>(work: (tx: StoreWriter) => Promise<T>): Promise<T>
  tamper(sql: string): Promise<void>
  /** Closes the store and opens it again, as a restart does. */
  restart(): Promise<void>
}
