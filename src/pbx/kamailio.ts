import { AppError } from '../errors.ts'
import { oneAtATime } from './in-turn.ts'
import { joinAccounts } from './joined-accounts.ts'
import { existingExtensions, readRows, writeAccounts } from './kamailio-accounts.ts'
import { cut } from './kamailio-cut.ts'
import { describeKamailio } from './kamailio-description.ts'
import { tellPhones } from './kamailio-notify.ts'
import type { KamailioOptions, KamailioSettings } from './kamailio-options.ts'
import { revocationsOn } from './kamailio-revocations.ts'
import { type KamailioRpc, kamailioRpc } from './kamailio-rpc.ts'
import { registrarScript, scriptFile } from './kamailio-script.ts'
import { listCalls, listRegistrations, readRunning } from './kamailio-state.ts'
import { type CredentialRow, withTables } from './kamailio-tables.ts'
import { nothingSeen, type Outliving } from './outliving.ts'
import type { PbxAbilities, PbxDriver, PbxState } from './pbx-driver.ts'

export function kamailioAbilities({ realm, dialPlan }: Pick<KamailioSettings, 'realm' | 'dialPlan'>): PbxAbilities {
  return {
    realm,
    credentialsPerExtension: 'many',
    readBack: true,
    endsRegistrations: true,
    endsCalls: true,
    resync: true,
    certificates: 'required-on-own-port',
    revocationLists: 'enforced',
    storesSecretAs: 'digest',
    callClasses: dialPlan === null ? 'absent' : 'enforced',
    // A registrar forwards nothing by itself; what stands behind it is not seen from here.
    leftovers: 'unseen',
    adoption: true,
  }
}

/**
 * Kamailio as registrar, with the script that Ringfence writes. Accounts are rows of a table that its auth_db reads at
 * each login, so a row that is gone is a login that is refused, at once and also after a restart. That Kamailio reads this
 * very database is seen by a mark that each change renews and that is asked for through Kamailio.
 * @throws AppError CONFIG_INVALID when an option cannot stand in the script.
 */
export function kamailioDriver(options: KamailioOptions): PbxDriver {
  const rpc = kamailioRpc(options.rpc)
  const inTurn = oneAtATime()
  const abilities = kamailioAbilities(options)
  const settings = { realm: options.realm, classes: abilities.callClasses === 'enforced' }
  const revocations = revocationsOn(options, rpc)
  return {
    kind: 'kamailio',
    abilities,
    describe: (signal) => describeKamailio(options, rpc, signal),
    readAccounts: (signal) => inTurn(() => readAccounts(options, rpc, signal)),
    applyAccounts: (accounts, signal) =>
      inTurn(async () => {
        // First what needs no question: a Kamailio that is down comes up with the leavers' rows already gone.
        const { mark, taken } = await withTables(options.database, signal, (database) =>
          writeAccounts(database, accounts, settings),
        )
        requireSameDatabase(mark, (await readRunning(rpc, signal)).mark)
        if (taken.length > 0) throw takenBySomebodyElse(taken)
      }),
    disconnect: (targets, signal) => inTurn(() => cut(rpc, targets, signal)),
    // Not in turn: it changes nothing, and no door waits for it.
    notify: (targets, signal) => tellPhones(rpc, options.realm, targets, signal),
    outliving: kamailioOutliving,
    listExisting: (signal) => withTables(options.database, signal, existingExtensions),
    revocations: { ...revocations, enforce: (signal) => inTurn(() => revocations.enforce(signal)) },
  }
}

/**
 * The script is Ringfence's own: it sends a call to where the extension is registered and knows nothing else. What acts for
 * an extension stands on what is behind it: a PBX for voicemail and conferences, or the provider's gateway.
 */
export const kamailioOutliving: Outliving = {
  ...nothingSeen,
  'call-forward': 'none',
  'follow-me': 'none',
  'do-not-disturb': 'none',
  'voicemail-pin': { step: 'the voicemail box, its PIN and calling out of it, on the server that has the boxes' },
  'voicemail-dial-out': { step: 'the voicemail box, its PIN and calling out of it, on the server that has the boxes' },
  'mail-address': { step: 'the voicemail box, its PIN and calling out of it, on the server that has the boxes' },
  'mobile-number': 'none',
  'shared-line': 'none',
  disa: { step: 'DISA on the gateway or PBX behind' },
  'conference-pin': { step: 'PINs of conference rooms on the server that has them' },
  'outside-line-pin': { step: 'PINs that the gateway behind asks for' },
}

async function readAccounts(options: KamailioOptions, rpc: KamailioRpc, signal: AbortSignal): Promise<PbxState> {
  const { mark, rows, foreign } = await withTables(options.database, signal, readRows)
  const running = await readRunning(rpc, signal)
  requireSameDatabase(mark, running.mark)
  // What is in force under another script's rules is not what ours would make of it.
  if (running.script !== registrarScript(options).fingerprint) throw olderScript(options)
  const [registrations, calls] = await Promise.all([listRegistrations(rpc, signal), listCalls(rpc, signal)])
  const foreignNames = new Set(foreign.map(({ username }) => username))
  const rowsOf = Map.groupBy(rows, ({ extension }) => extension)
  const accounts = joinAccounts({ known: rowsOf.keys(), registrations, calls }, (extension) => {
    const own = rowsOf.get(extension) ?? []
    return {
      credentials: own.map(({ credential_id, generation, ha1 }) => ({ id: credential_id, generation, digest: ha1 })),
      policy: options.dialPlan === null ? null : policyOf(own),
    }
  })
  return { product: running.product, accounts, foreign: [...foreignNames].sort() }
}

/** Every row of an extension holds it; null when they differ, which is not what Ringfence writes. */
function policyOf(rows: readonly CredentialRow[]): string | null {
  const all = new Set(rows.map(({ policy }) => policy))
  return all.size === 1 ? [...all][0]! : null
}

function requireSameDatabase(written: string, seen: string): void {
  if (written === seen) return
  throw new AppError('PBX_REFUSED', 'Kamailio does not read the database that Ringfence writes', {
    hint: 'RINGFENCE_DATABASE in local.cfg must be the same database as RINGFENCE_PBX_DATABASE, and Kamailio needs the right to read our tables',
    retryable: true,
  })
}

function olderScript({ folder }: KamailioOptions): AppError {
  return new AppError('PBX_REFUSED', 'Kamailio runs a script that was written for other settings', {
    hint: `restart it with ${folder}/${scriptFile}: a script is read at the start only; until then nothing is called open or shut`,
    retryable: true,
  })
}

function takenBySomebodyElse(extensions: readonly string[]): AppError {
  const list = extensions.slice(0, 10).join(', ')
  return new AppError(
    'PBX_REFUSED',
    `on the PBX, extension ${list} already belongs to somebody else (table subscriber)`,
    {
      hint: 'Ringfence changes nothing that it did not make: to take the extension over, offboard this person and bring them in with `ringfence adopt`; or remove its row, or choose another one',
    },
  )
}
