import { setTimeout as pause } from 'node:timers/promises'
import { AppError } from '../errors.ts'
import { withAmi } from './ami-connection.ts'
import { type AmiSession, field } from './ami-conversation.ts'
import { accountText, requireValidAccount, requireValidSettings, withEdge } from './asterisk-config.ts'
import { describeAsterisk } from './asterisk-description.ts'
import { type AccountBlocks, changeBlocks, readBlocks, writeTransports } from './asterisk-folder.ts'
import { requireValidTarget, tellPhones } from './asterisk-notify.ts'
import type { AsteriskOptions } from './asterisk-options.ts'
import { extensionNames, isOurs, listCalls, listRegistrations, readState } from './asterisk-state.ts'
import type { DisconnectTarget, PbxAccount, PbxDriver } from './pbx-driver.ts'
import { addressMatcher } from './source-address.ts'

/**
 * Asterisk 22 or newer with PJSIP. Accounts are a file that Asterisk includes, taken over by a reload; every statement about what is in
 * force comes from the manager interface, because Asterisk answers "Module Reloaded" and keeps the old objects when a new
 * one is bad.
 *
 * Not used: PJSIPSetMaintenance. It blocks a whole extension, so it would hit a colleague's second phone or the next
 * owner, and a missing credential blocks just as well.
 * @throws AppError CONFIG_INVALID when an option cannot stand in a config file.
 */
export function asteriskDriver(options: AsteriskOptions): PbxDriver {
  requireValidSettings(options, options.transports)
  const inTurn = oneAtATime()
  return {
    kind: 'asterisk',
    abilities: {
      realm: options.realm,
      credentialsPerExtension: 'many',
      readBack: true,
      endsRegistrations: true,
      endsCalls: true,
      resync: true,
      certificates: options.transports ? 'required-on-own-port' : 'not-checked',
      // A list inside ca_list_file is loaded and then not looked at (pjlib/src/pj/ssl_sock_ossl.c sets no CRL flag).
      revocationLists: 'not-checked',
      storesSecretAs: 'digest',
      callClasses: 'absent',
      leftovers: 'unseen',
      adoption: false,
    },
    describe: (signal) => describeAsterisk(options, signal),
    readAccounts: (signal) => withAmi(options.manager, signal, readState),
    applyAccounts: (accounts, signal) => inTurn(() => applyAccounts(options, accounts, signal)),
    disconnect: (targets, signal) =>
      inTurn(() => withAmi(options.manager, signal, (session) => cut(session, targets, signal))),
    // Not in turn: it changes nothing, and no door waits for it.
    notify: async (targets, signal) => {
      for (const target of targets) requireValidTarget(target)
      return withAmi(options.manager, signal, (session) =>
        tellPhones(session, targets, { behindEdge: Boolean(options.edge) }),
      )
    },
  }
}

/** Writes the file that the include line needs; call it at the start, before anybody adds that line. */
export async function prepareAsterisk(options: AsteriskOptions): Promise<void> {
  requireValidSettings(options, options.transports)
  await writeTransports(options.configDir, options.transports)
  const blocks = await readBlocks(options.configDir).catch((error: unknown): AccountBlocks => {
    // Somebody else's file is told with the first account that is written, and keeps no server from starting.
    if (error instanceof AppError) return new Map()
    throw error
  })
  const now = [...blocks].map(([extension, text]) => [extension, withEdge(text, options.edge ?? null)] as const)
  // In force with the next reload; docs/edge.md asks for one.
  if (now.some(([extension, text]) => text !== blocks.get(extension)))
    await changeBlocks(options.configDir, blocks, new Map(now))
}

async function applyAccounts(
  options: AsteriskOptions,
  accounts: readonly PbxAccount[],
  signal: AbortSignal,
): Promise<void> {
  const { configDir } = options
  const texts = new Map(accounts.map((account) => [account.extension, blockOf(account, options)]))
  await writeTransports(configDir, options.transports)
  const blocks = await readBlocks(configDir)
  const isNew = ([extension, text]: [string, string | null]) => text !== null && !blocks.has(extension)
  const known = new Map([...texts].filter((entry) => !isNew(entry)))
  const fresh = new Map([...texts].filter(isNew))
  // First what needs no question: should Asterisk be down, it comes up again with the leavers' secrets already gone.
  const current = await changeBlocks(configDir, blocks, known)
  const taken = await withAmi(options.manager, signal, async (session) => {
    const foreign = fresh.size === 0 ? new Set<string>() : await foreignExtensions(session)
    await changeBlocks(configDir, current, new Map([...fresh].filter(([extension]) => !foreign.has(extension))))
    await session.act({ Action: 'Reload', Module: 'res_pjsip.so' })
    return [...fresh.keys()].filter((extension) => foreign.has(extension))
  })
  if (taken.length > 0) throw takenBySomebodyElse(taken)
}

/** No credential, no block: an endpoint without one would take calls from anybody. */
function blockOf(account: PbxAccount, options: AsteriskOptions): string | null {
  requireValidAccount(account)
  return account.credentials.length === 0 ? null : accountText(account, options)
}

/** A second object of the same name makes Asterisk refuse the whole pjsip.conf, so the question comes before the file. */
async function foreignExtensions(session: AmiSession): Promise<Set<string>> {
  const [endpoints, aors] = await Promise.all([
    session.list({ Action: 'PJSIPShowEndpoints' }, 'No endpoints found'),
    session.list({ Action: 'PJSIPShowAors' }, 'No AORs found'),
  ])
  const own = extensionNames(endpoints.filter(isOurs))
  return new Set([...extensionNames([...endpoints, ...aors])].filter((name) => !own.has(name)))
}

/** How long a hung-up channel may take to go, and how often it is looked at. */
const settleMs = 2000
const lookEveryMs = 20

/**
 * Removes contacts and ends calls until none is left that was meant. Every act names one contact or one channel in full.
 * There is no action that unregisters a phone (PJSIPUnregister is for outbound registrations); the contact's row in
 * Asterisk's database is the registration.
 */
async function cut(session: AmiSession, targets: readonly DisconnectTarget[], signal: AbortSignal): Promise<void> {
  const meant = matcherOf(targets)
  const deadline = performance.now() + settleMs
  const asked = new Set<string>()
  for (let round = 0; ; round++) {
    const [registrations, calls] = await Promise.all([listRegistrations(session), listCalls(session)])
    const contacts = registrations.filter(meant)
    const channels = calls.filter(meant)
    if (contacts.length === 0 && channels.length === 0) return
    // What still stands after this is for the next look to report.
    if (performance.now() > deadline) return
    await Promise.all([
      ...contacts.map(({ id }) => actUnlessGone(session, { Action: 'DBDel', Family: 'registrar/contact', Key: id })),
      ...channels
        .filter(({ id }) => !asked.has(id))
        .map(({ id }) => actUnlessGone(session, { Action: 'Hangup', Channel: id, Cause: '16' })),
    ])
    for (const { id } of channels) asked.add(id)
    if (channels.length > 0 || round > 0) await pause(lookEveryMs, undefined, { signal })
  }
}

function matcherOf(targets: readonly DisconnectTarget[]) {
  const byExtension = new Map<string, { everything: boolean; matches: (address: string) => boolean }[]>()
  for (const { extension, addresses } of targets) {
    const rule = { everything: addresses === null, matches: addressMatcher(addresses ?? []) }
    byExtension.set(extension, [...(byExtension.get(extension) ?? []), rule])
  }
  return ({ extension, address }: { extension: string; address: string | null }) =>
    (byExtension.get(extension) ?? []).some(
      ({ everything, matches }) => everything || (address !== null && matches(address)),
    )
}

/** That it ended by itself meanwhile is what we wanted. The words are Asterisk's own (main/manager.c, main/db.c). */
async function actUnlessGone(session: AmiSession, action: Readonly<Record<string, string>>): Promise<void> {
  const answer = await session.ask(action)
  if (field(answer, 'Response') === 'Success') return
  const words = field(answer, 'Message').trim()
  if (/^(No such channel|Database entry not found)$/i.test(words)) return
  throw new AppError('PBX_REFUSED', `the PBX refused ${action.Action}: ${words.slice(0, 200)}`, {
    hint: 'the manager user needs `write = system` in manager.conf',
    retryable: true,
  })
}

function takenBySomebodyElse(extensions: readonly string[]): AppError {
  const list = extensions.slice(0, 10).join(', ')
  return new AppError('PBX_REFUSED', `on the PBX, extension ${list} already belongs to somebody else's configuration`, {
    hint: 'Ringfence overwrites nothing that it did not make: remove that extension from pjsip.conf (or the database behind it), or choose another one',
  })
}

/** One writer: two requests at once would look and write in between each other. */
function oneAtATime() {
  let last: Promise<unknown> = Promise.resolve()
  return <T>(work: () => Promise<T>): Promise<T> => {
    const next = last.then(work, work)
    // The caller gets the error; the queue only waits for the end.
    last = next.catch(() => undefined)
    return next
  }
}
