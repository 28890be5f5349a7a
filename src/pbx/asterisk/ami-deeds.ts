import type { oneAtATime } from '../in-turn.ts'
import type { PbxDriver } from '../pbx-driver.ts'
import { requireValidTarget } from '../valid-account.ts'
import type { AccountWriter } from './account-writer.ts'
import { type AmiAddress, withAmi } from './ami-connection.ts'
import { cut } from './asterisk-cut.ts'
import { clearLeftovers } from './asterisk-leftovers.ts'
import { tellPhones } from './asterisk-notify.ts'
import { readSharedPins } from './asterisk-shared-pins.ts'

type Deeds = Required<Pick<PbxDriver, 'disconnect' | 'notify' | 'clearLeftovers' | 'readSharedPins'>>

/** What is done over a manager interface in the same way, whoever keeps the accounts of that Asterisk. */
export function amiDeeds({
  manager,
  inTurn,
  behindEdge = false,
  writer = {},
}: {
  readonly manager: AmiAddress
  /** The driver's own. */
  readonly inTurn: ReturnType<typeof oneAtATime>
  readonly behindEdge?: boolean
  readonly writer?: Pick<AccountWriter, 'removeContacts'>
}): Deeds {
  return {
    disconnect: (targets, signal) =>
      inTurn(() => withAmi(manager, signal, (session) => cut(session, targets, writer, signal))),
    // Not in turn: it changes nothing, and no door waits for it.
    notify: async (targets, signal) => {
      for (const target of targets) requireValidTarget(target)
      return withAmi(manager, signal, (session) => tellPhones(session, targets, { behindEdge }))
    },
    clearLeftovers: (extensions, signal) =>
      inTurn(() => withAmi(manager, signal, (session) => clearLeftovers(session, extensions))),
    readSharedPins: (signal) => withAmi(manager, signal, readSharedPins),
  }
}
