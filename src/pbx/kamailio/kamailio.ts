import type { Outliving } from '../../domain/outliving.ts'
import { AppError } from '../../errors.ts'
import { oneAtATime } from '../in-turn.ts'
import { joinAccounts } from '../joined-accounts.ts'
import type { PbxAbilities, PbxAccount, PbxDriver, PbxState } from '../pbx-driver.ts'
import { existingExtensions, readRows, writeAccounts } from './kamailio-accounts.ts'
import { cut } from './kamailio-cut.ts'
import { describeKamailio } from './kamailio-description.ts'
import { planMark, planText } from './kamailio-dial-plan.ts'
import { otherDatabaseHint } from './kamailio-files.ts'
import { tellPhones } from './kamailio-notify.ts'
import type { KamailioOptions, RegistrarPorts } from './kamailio-options.ts'
import { revocationsOn } from './kamailio-revocations.ts'
import { type KamailioRpc, kamailioRpc } from './kamailio-rpc.ts'
import { registrarScript, scriptFile } from './kamailio-script.ts'
import { listCalls, listRegistrations, readRunning } from './kamailio-state.ts'
import { type CredentialRow, withTables } from './kamailio-tables.ts'

function kamailioAbilities({ realm }: Pick<RegistrarPorts, 'realm'>): PbxAbilities {
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
    callClasses: 'enforced',
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
  const revocations = revocationsOn(options, rpc)
  return {
    kind: 'kamailio',
    abilities: kamailioAbilities(options),
    describe: (signal) => describeKamailio(options, rpc, signal),
    readAccounts: (signal) => inTurn(() => readAccounts(options, rpc, signal)),
    applyAccounts: (accounts, signal) => inTurn(() => applyAccounts(options, rpc, accounts, signal)),
    disconnect: (targets, signal) => inTurn(() => cut(rpc, targets, signal)),
    // Not in turn: it changes nothing, and no door waits for it.
    notify: (targets, signal) => tellPhones(rpc, options.realm, targets, signal),
    outliving: kamailioOutliving,
    listExisting: (signal) => withTables(options.database, signal, existingExtensions),
    revocations: { ...revocations, enforce: (signal) => inTurn(() => revocations.enforce(signal)) },
  }
}

const voicemailBox = { step: 'the voicemail box, its PIN and calling out of it, on the server that has the boxes' }

/**
 * The script is Ringfence's own: it sends a call to where the extension is registered and knows nothing else. What acts for
 * an extension stands on what is behind it: a PBX for voicemail and conferences, or the provider's gateway.
 */
export const kamailioOutliving: Outliving = {
  'call-forward': 'none',
  'follow-me': 'none',
  'do-not-disturb': 'none',
  'voicemail-pin': voicemailBox,
  'voicemail-dial-out': voicemailBox,
  'mail-address': voicemailBox,
  'mobile-number': 'none',
  'shared-line': 'none',
  'other-login': 'none',
  disa: { step: 'DISA on the gateway or PBX behind' },
  'conference-pin': { step: 'PINs of conference rooms on the server that has them' },
  'outside-line-pin': { step: 'PINs that the gateway behind asks for' },
}

async function applyAccounts(
  options: KamailioOptions,
  rpc: KamailioRpc,
  accounts: readonly PbxAccount[],
  signal: AbortSignal,
): Promise<void> {
  const dialPlan = await options.dialPlan()
  const plan = dialPlan === null ? null : planText(dialPlan)
  const write = async (some: readonly PbxAccount[], classes: boolean) => {
    // First what needs no question: a Kamailio that is down comes up with the leavers' rows already gone.
    const { mark, taken } = await withTables(options.database, signal, (database) =>
      writeAccounts(database, some, { realm: options.realm, plan, classes }),
    )
    const running = await readRunning(rpc, signal)
    requireSameDatabase(options, mark, running.mark)
    return { taken, plan: running.plan }
  }
  const first = await write(accounts, false)
  const classed = accounts.filter(({ policy, credentials }) => policy !== null && credentials.length > 0)
  // A class is given only when Kamailio shows the plan that says which numbers are those of the emergency services.
  const problem = classed.length === 0 ? null : plan === null ? noDialPlan(classed) : planProblem(first.plan, plan)
  const second = classed.length === 0 || problem ? null : await write(classed, true)
  const taken = new Set([...first.taken, ...(second?.taken ?? [])])
  if (taken.size > 0) throw takenBySomebodyElse([...taken])
  if (problem) throw problem
}

async function readAccounts(options: KamailioOptions, rpc: KamailioRpc, signal: AbortSignal): Promise<PbxState> {
  const { mark, rows, foreign } = await withTables(options.database, signal, readRows)
  const running = await readRunning(rpc, signal)
  requireSameDatabase(options, mark, running.mark)
  // What is in force under another script's rules is not what ours would make of it.
  if (running.script !== registrarScript(options).fingerprint) throw olderScript(options)
  const [registrations, calls] = await Promise.all([listRegistrations(rpc, signal), listCalls(rpc, signal)])
  const foreignNames = new Set(foreign.map(({ username }) => username))
  const dialPlan = await options.dialPlan()
  const isPlanInForce = dialPlan !== null && running.plan === planMark(planText(dialPlan))
  const rowsOf = Map.groupBy(rows, ({ extension }) => extension)
  const accounts = joinAccounts({ known: rowsOf.keys(), registrations, calls }, (extension) => {
    const own = rowsOf.get(extension) ?? []
    return {
      credentials: own.map(({ credential_id, generation, ha1 }) => ({ id: credential_id, generation, digest: ha1 })),
      policy: policyOf(own, isPlanInForce),
    }
  })
  return { product: running.product, accounts, foreign: [...foreignNames].sort() }
}

/**
 * Every row of an extension holds it; null when they differ, which is not what Ringfence writes. A class means nothing
 * under another dial plan than the one that was said.
 */
function policyOf(rows: readonly CredentialRow[], isPlanInForce: boolean): string | null {
  const [policy, another] = new Set(rows.map((row) => row.policy))
  if (policy === undefined || another !== undefined) return null
  return policy === 'none' || isPlanInForce ? policy : null
}

function requireSameDatabase(options: KamailioOptions, written: string, seen: string): void {
  if (written === seen) return
  throw new AppError('PBX_REFUSED', 'Kamailio does not read the database that Ringfence writes', {
    hint: otherDatabaseHint(options),
    retryable: true,
  })
}

function noDialPlan(accounts: readonly PbxAccount[]): AppError {
  const list = accounts
    .slice(0, 10)
    .map(({ extension }) => extension)
    .join(', ')
  return new AppError(
    'PBX_REFUSED',
    `extension ${list} has a call class, and nobody has said what dialled numbers mean there`,
    {
      hint: 'say it with `ringfence dial-plan set`: nobody is moved to a class before the emergency numbers are known',
      retryable: true,
    },
  )
}

function planProblem(seen: string, plan: string): AppError | null {
  if (seen === planMark(plan)) return null
  return new AppError('PBX_REFUSED', 'Kamailio does not see the dial plan that Ringfence wrote', {
    hint: "its database role must be allowed to read the table ringfence_plan; until then nobody's call class is changed",
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
