import { oneAtATime } from '../in-turn.ts'
import type { PbxDriver } from '../pbx-driver.ts'
import { applyBooked } from './booked-accounts.ts'
import { hangUpBooked, listUnbooked, readBooked } from './booked-state.ts'
import type { BookedPbx } from './extension-desk.ts'

type Booked = Required<Pick<PbxDriver, 'readAccounts' | 'applyAccounts' | 'disconnect' | 'listExisting'>>

/** What every PBX that holds one secret for an extension does in the same way, whatever its interface. */
export function bookedDriver(pbx: BookedPbx): Booked {
  const inTurn = oneAtATime()
  return {
    readAccounts: (signal) => readBooked(pbx, signal),
    applyAccounts: (accounts, signal) => inTurn(() => applyBooked(pbx, accounts, signal)),
    disconnect: (targets, signal) => inTurn(() => hangUpBooked(pbx, targets, signal)),
    listExisting: (signal) => listUnbooked(pbx, signal),
  }
}
