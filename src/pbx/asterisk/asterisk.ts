import { AppError } from '../../errors.ts'
import { oneAtATime } from '../in-turn.ts'
import type { PbxAbilities, PbxAccount, PbxDriver } from '../pbx-driver.ts'
import { someOf } from '../some-of.ts'
import type { AccountChange, AccountChanges, AccountWriter } from './account-writer.ts'
import { withAmi } from './ami-connection.ts'
import { type AmiSession, field } from './ami-conversation.ts'
import { amiDeeds } from './ami-deeds.ts'
import { accountObjects } from './asterisk-account.ts'
import {
  callProblems,
  dropPolicies,
  keepsCalls,
  livesInContext,
  prepareCalls,
  takeOverPolicies,
} from './asterisk-calls.ts'
import { requireValidSettings } from './asterisk-config.ts'
import { contextProblems } from './asterisk-contexts.ts'
import { describeAsterisk } from './asterisk-description.ts'
import { edgeActions, edgeProblems } from './asterisk-edge.ts'
import { isOurs, listEndpoints } from './asterisk-endpoints.ts'
import { writeTransports } from './asterisk-folder.ts'
import { asteriskOutliving, readLeftovers } from './asterisk-leftovers.ts'
import { shownAors } from './asterisk-lists.ts'
import type { AsteriskOptions } from './asterisk-options.ts'
import { readState } from './asterisk-state.ts'

/**
 * Asterisk 22 or newer with PJSIP. Accounts are kept where `writer` puts them; every statement about what is in force
 * comes from the manager interface, because Asterisk answers "Module Reloaded" and keeps the old objects when a new one
 * is bad.
 *
 * Not used: PJSIPSetMaintenance. It blocks a whole extension, so it would hit a colleague's second phone or the next
 * owner, and a missing credential blocks just as well.
 * @throws AppError CONFIG_INVALID when an option cannot stand in a config file.
 */
export function asteriskDriver(options: AsteriskOptions, writer: AccountWriter): PbxDriver {
  requireValidSettings(options, options.transports)
  const inTurn = oneAtATime()
  const { listExisting } = writer
  const problems: AccountWriter['problems'] = async (session, signal) => [
    ...(await writer.problems(session, signal)),
    ...(await contextProblems(options, session)),
    ...(keepsCalls(options) ? await callProblems(options, session) : []),
    ...(await edgeProblems(session, { edge: options.edge, writer, signal })),
  ]
  const managerActions = options.edge ? [...writer.managerActions, ...edgeActions] : writer.managerActions
  let isAligned = writer.align === undefined
  const alignOnce = (signal: AbortSignal) =>
    inTurn(async () => {
      if (isAligned) return
      await alignAccounts(options, writer, signal)
      isAligned = true
    })
  return {
    kind: 'asterisk',
    ...(writer.mostAtOnce === undefined ? {} : { mostAtOnce: writer.mostAtOnce }),
    abilities: asteriskAbilities({
      realm: options.realm,
      ownTransports: options.transports !== null,
      adoption: listExisting !== undefined,
      callClasses: keepsCalls(options),
    }),
    describe: (signal) => describeAsterisk(options, { managerActions, problems }, signal),
    readAccounts: async (signal, sight) => {
      // What keeps it from being done is told where accounts are written, and by `describe`; it is tried again.
      if (!isAligned) await alignOnce(AbortSignal.any([signal, AbortSignal.timeout(alignMs)])).catch(() => undefined)
      return withAmi(options.manager, signal, (session) => readState(session, options, sight))
    },
    applyAccounts: (accounts, signal) => inTurn(() => applyAccounts(options, writer, accounts, signal)),
    ...amiDeeds({ manager: options.manager, inTurn, writer, behindEdge: options.edge !== null }),
    readLeftovers: (extensions, signal) =>
      withAmi(options.manager, signal, (session) => readLeftovers(session, extensions)),
    outliving: asteriskOutliving,
    ...(listExisting ? { listExisting } : {}),
  }
}

/** `ownTransports`: Ringfence makes the TLS ports. `adoption`: accounts are kept in tables. `callClasses`: there is a folder. */
export function asteriskAbilities({
  realm,
  ownTransports,
  adoption,
  callClasses,
}: {
  readonly realm: string
  readonly ownTransports: boolean
  readonly adoption: boolean
  readonly callClasses: boolean
}): PbxAbilities {
  return {
    realm,
    credentialsPerExtension: 'many',
    readBack: true,
    endsRegistrations: true,
    endsCalls: true,
    resync: true,
    certificates: ownTransports ? 'required-on-own-port' : 'not-checked',
    // A list inside ca_list_file is loaded and then not looked at (pjlib/src/pj/ssl_sock_ossl.c sets no CRL flag).
    revocationLists: 'not-checked',
    storesSecretAs: 'digest',
    callClasses: callClasses ? 'enforced' : 'absent',
    adoption,
  }
}

/** Writes the file that the include line needs; call it at the start, before anybody adds that line. */
export async function prepareAsterisk(options: AsteriskOptions): Promise<void> {
  requireValidSettings(options, options.transports)
  if (options.configDir !== null) await writeTransports(options.configDir, options.transports)
  if (keepsCalls(options)) await prepareCalls(options)
}

const alignMs = 5_000

/** Their secrets are the same, so nothing else would ever write them again. */
async function alignAccounts(options: AsteriskOptions, writer: AccountWriter, signal: AbortSignal): Promise<void> {
  const changed = (await writer.align?.(signal)) ?? []
  if (changed.length === 0) return
  const changes = new Map(changed.map((extension) => [extension, { objects: [], adopted: false }]))
  await withAmi(options.manager, signal, (session) => writer.takeOver(session, changes, signal))
}

async function applyAccounts(
  options: AsteriskOptions,
  writer: AccountWriter,
  accounts: readonly PbxAccount[],
  signal: AbortSignal,
): Promise<void> {
  const changeOf = (account: PbxAccount): [string, AccountChange] => [
    account.extension,
    { objects: accountObjects(account, options), adopted: account.adopted },
  ]
  const changes: AccountChanges = new Map(accounts.map(changeOf))
  const { ours, foreign } = await writer.look([...changes.keys()], signal)
  const policed = accounts.filter(({ credentials, policy }) => credentials.length > 0 && policy !== null)
  const isPoliced = new Set(policed.map(({ extension }) => extension))
  // First what needs no question: should Asterisk be down, it comes up again with the leavers' secrets already gone.
  const known = only(
    changes,
    (extension, { objects, adopted }) =>
      ours.has(extension) || (foreign.has(extension) ? adopted && objects !== null : objects === null),
  )
  await writer.write(
    only(known, (extension) => !isPoliced.has(extension)),
    signal,
  )
  const fresh = only(changes, (extension, { objects }) => !known.has(extension) && objects !== null)
  const { taken, held } = await withAmi(options.manager, signal, async (session) => {
    const others = fresh.size === 0 ? foreign : foreign.union(await foreignAmong([...fresh.keys()], session))
    const held = keepsCalls(options) ? await takeOverPolicies(options, policed, session) : new Map<string, AppError>()
    // Whoever is new waits for the policy. Whoever is there already must not keep an old secret because of it.
    const late = policed.filter(({ extension }) => known.has(extension) && held.has(extension))
    const asBefore = await Promise.all(
      late.map(async (account) =>
        changeOf((await livesInContext(session, account.extension)) ? account : { ...account, policy: null }),
      ),
    )
    const free = only(fresh, (extension) => !others.has(extension) && !held.has(extension))
    const ready: AccountChanges = new Map([...known, ...asBefore, ...free])
    await writer.write(
      only(ready, (extension) => isPoliced.has(extension) || free.has(extension)),
      signal,
    )
    await writer.takeOver(session, ready, signal)
    if (keepsCalls(options)) await dropPolicies(options, accounts, session)
    return { taken: [...fresh.keys()].filter((extension) => others.has(extension)), held }
  })
  if (taken.length > 0) throw takenBySomebodyElse(taken)
  for (const problem of held.values()) throw problem
}

function only(changes: AccountChanges, belongs: (extension: string, change: AccountChange) => boolean): AccountChanges {
  return new Map([...changes].filter(([extension, change]) => belongs(extension, change)))
}

/** A second object of the same name makes Asterisk refuse the whole pjsip.conf, so the question comes before the file. */
async function foreignAmong(extensions: readonly string[], session: AmiSession): Promise<Set<string>> {
  const [{ endpoints }, aors] = await Promise.all([listEndpoints(session, extensions), shownAors(session)])
  const own = new Set(endpoints.filter(isOurs).map(({ name }) => name))
  const names = new Set([...endpoints.map(({ name }) => name), ...aors.map((aor) => field(aor, 'ObjectName'))])
  return new Set(extensions.filter((extension) => names.has(extension) && !own.has(extension)))
}

function takenBySomebodyElse(extensions: readonly string[]): AppError {
  return new AppError(
    'PBX_REFUSED',
    `on the PBX, extension ${someOf(extensions)} already belongs to somebody else's configuration`,
    {
      hint: 'Ringfence overwrites nothing that it did not make: remove that extension from pjsip.conf (or the database behind it), or choose another one',
    },
  )
}
