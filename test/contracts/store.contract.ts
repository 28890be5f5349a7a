import { afterEach, beforeEach } from 'vitest'
import type { Store } from '../../src/store/store.ts'
import { consoleListContract } from './console-list.contract.ts'
import { peopleListContract } from './people-list.contract.ts'
import { storeAdministratorsContract } from './store-administrators.contract.ts'
import { storeAuditContract } from './store-audit.contract.ts'
import { seed } from './store-cast.ts'
import { storeDoorsContract } from './store-doors.contract.ts'
import { storeErasingContract } from './store-erasing.contract.ts'
import { storeGatewayDoorsContract } from './store-gateway-doors.contract.ts'
import type { StoreHand, StoreUnderTest } from './store-hand.ts'
import { storeLeaseContract } from './store-lease.contract.ts'
import { storeLookupContract } from './store-lookup.contract.ts'
import { storeRowsContract } from './store-rows.contract.ts'

/** What every database must do; `make` gives an empty one for each test. */
export function storeContract(make: () => Promise<StoreUnderTest>): void {
  let world: StoreUnderTest
  let store: Store
  beforeEach(async () => {
    world = await make()
    store = await world.open()
    await seed(store)
  })
  afterEach(async () => {
    await store?.close()
    await world?.dispose()
  })

  const hand: StoreHand = {
    store: () => store,
    write: (work) => store.transaction(work),
    tamper: (sql) => world.tamper(sql),
    async restart() {
      await store.close()
      store = await world.reopen()
    },
  }
  peopleListContract(hand.store)
  consoleListContract(hand.store)
  storeRowsContract(hand)
  storeLookupContract(hand)
  storeDoorsContract(hand)
  storeGatewayDoorsContract(hand)
  storeAuditContract(hand)
  storeAdministratorsContract(hand)
  storeErasingContract(hand)
  storeLeaseContract(hand)
}
