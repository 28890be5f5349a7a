import { AppError } from '../../src/errors.ts'
import { dialPlanOf } from '../../src/journeys/dial-plans.ts'
import type { Edge } from '../../src/main/edge.ts'
import { desiredRows } from '../../src/pbx/edge/desired-rows.ts'
import type { EdgeList } from '../../src/pbx/edge/edge-keeper.ts'
import type { EdgeRows } from '../../src/pbx/edge/edge-tables.ts'
import type { Store } from '../../src/store/store.ts'

/** An edge in memory, which may be down: its tables hold what the database wants, and what was denied stays so. */
export interface FakeEdge {
  open(store: Store, pbxId: string, internal: readonly string[]): Edge
  readonly tables: EdgeRows
  isDown: boolean
  /** Says yes to a change and does nothing. */
  keepsOld: boolean
  /** As somebody does who changes the tables by hand. */
  unbind(serial: string): void
  /** The one that it has taken over. */
  list: EdgeList
}

export function fakeEdge(): FakeEdge {
  const deny = new Map<string, string>()
  let rows: EdgeRows = { deny, plan: new Map(), policy: new Map(), bind: new Map(), source: new Map() }
  const list: EdgeList = {
    number: 1,
    thisUpdate: new Date(),
    nextUpdate: new Date(Date.now() + 30 * 86_400_000),
    serials: new Set(),
  }
  const fake: FakeEdge = {
    isDown: false,
    keepsOld: false,
    unbind(serial) {
      rows = { ...rows, bind: new Map([...rows.bind].filter(([bound]) => bound !== serial)) }
    },
    list,
    get tables() {
      return rows
    },
    open(store, pbxId, internal) {
      const reach = () => {
        if (fake.isDown) throw new AppError('PBX_UNREACHABLE', 'the edge does not answer', { retryable: true })
      }
      const callSettings = async () => ({
        dialPlan: await dialPlanOf(store, (await store.get('pbx', pbxId))!.siteId),
        internal,
      })
      async function publish() {
        reach()
        if (fake.keepsOld) return
        const wanted = await desiredRows(store, pbxId, await callSettings())
        for (const [serial, until] of wanted.deny) deny.set(serial, until)
        rows = { ...wanted, deny }
      }
      return {
        pbxId,
        calls: {
          async read() {
            const settings = await callSettings()
            if (settings.dialPlan === null) return null
            reach()
            return { rows, settings, isChanging: false }
          },
          publish,
        },
        keeper: {
          publish,
          isChanging: () => false,
          async shut(serials) {
            reach()
            for (const [serial, until] of serials) deny.set(serial, until)
          },
          async read() {
            reach()
            const inForce = fake.list
            return {
              rows,
              connected: new Set(),
              over: [],
              list: null,
              readAt: new Date(),
              inForce,
              lastHanded: inForce,
              hindrance: null,
            }
          },
        },
        async describe() {
          reach()
          return { summary: `${rows.bind.size} certificates are bound`, problems: [] }
        },
      }
    },
  }
  return fake
}
