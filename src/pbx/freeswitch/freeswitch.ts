import type { Outliving } from '../../domain/outliving.ts'
import { AppError } from '../../errors.ts'
import { oneAtATime } from '../in-turn.ts'
import type { PbxAbilities, PbxAccount, PbxDriver } from '../pbx-driver.ts'
import { someOf } from '../some-of.ts'
import { usable } from '../usable-option.ts'
import { requireValidAccount, requireValidTarget } from '../valid-account.ts'
import { type EventSocketSession, withEventSocket } from './event-socket.ts'
import { cut } from './freeswitch-cut.ts'
import { describeFreeswitch } from './freeswitch-description.ts'
import { type FreeswitchDirectory, freeswitchDirectory } from './freeswitch-directory.ts'
import { tellPhones } from './freeswitch-notify.ts'
import type { FreeswitchOptions } from './freeswitch-options.ts'
import { listForeign, readFreeswitch, requireAsked } from './freeswitch-state.ts'
import { entryOf, type FreeswitchTable, openTable, type TableEntry } from './freeswitch-table.ts'

/**
 * FreeSWITCH keeps no accounts of ours: at every login and call it asks Ringfence (mod_xml_curl), and is told what the
 * table holds. A closed door is thus shut the moment the table is written, whether FreeSWITCH is there or not.
 */
export interface Freeswitch {
  readonly driver: PbxDriver
  readonly directory: FreeswitchDirectory
}

/** @throws AppError INTERNAL when the table cannot be read, CONFIG_INVALID for options that would be unsafe. */
export async function openFreeswitch(options: FreeswitchOptions): Promise<Freeswitch> {
  const must = usable('FreeSWITCH', 'letters, digits, dot, dash and underscore are safe')
  must.word('realm', options.realm)
  must.word('profile', options.profile)
  must.word('context', options.context)
  if (options.classContexts !== null) must.word('prefix of contexts', options.classContexts)
  const table = await openTable(options.accountsFile)
  const directory = freeswitchDirectory(options, table)
  return { directory, driver: driverOf({ options, table, directory }) }
}

interface Parts {
  readonly options: FreeswitchOptions
  readonly table: FreeswitchTable
  readonly directory: FreeswitchDirectory
}

function driverOf(parts: Parts): PbxDriver {
  const { options, directory } = parts
  const inTurn = oneAtATime()
  const talk = <T>(signal: AbortSignal, work: (session: EventSocketSession) => Promise<T>) =>
    withEventSocket(options.eventSocket, signal, work)
  return {
    kind: 'freeswitch',
    abilities: freeswitchAbilities(options),
    describe: (signal) => talk(signal, (session) => describeFreeswitch(session, directory, options)),
    readAccounts: (signal) => talk(signal, (session) => readFreeswitch(session, parts)),
    applyAccounts: async (accounts, signal) => {
      for (const account of accounts) requireValidAccount(account)
      await inTurn(() => applyAccounts(parts, accounts, (work) => talk(signal, work)))
    },
    disconnect: (targets, signal) => inTurn(() => talk(signal, (session) => cut(session, targets, options, signal))),
    notify: async (targets, signal) => {
      for (const target of targets) requireValidTarget(target)
      return talk(signal, (session) => tellPhones(session, targets, options))
    },
    outliving: freeswitchOutliving,
  }
}

const inDialplan = { step: 'call forwards and do not disturb, as your dialplan keeps them (db, hash)' }

/**
 * A voicemail box opens to users of the directory alone (mod_voicemail.c looks each up), and its mails go where the
 * directory says: that is Ringfence's own, and names neither a box nor an address. FreeSWITCH itself forwards nothing.
 */
export const freeswitchOutliving: Outliving = {
  'call-forward': inDialplan,
  'follow-me': { step: 'follow-me of your dialplan' },
  'do-not-disturb': inDialplan,
  'voicemail-pin': 'none',
  'voicemail-dial-out': 'none',
  'mail-address': 'none',
  'mobile-number': 'none',
  'shared-line': { step: 'shared lines (manage-shared-appearance of the SIP profile)' },
  // Verto and the event socket get no answer for a login of ours.
  'other-login': 'none',
  disa: { step: 'DISA of your dialplan' },
  'conference-pin': {
    step: 'PINs of conference rooms (pin and moderator-pin in conference.conf.xml, +pin in the dialplan)',
  },
  'outside-line-pin': { step: 'PINs that your dialplan asks for' },
}

export function freeswitchAbilities({
  realm,
  classContexts,
}: Pick<FreeswitchOptions, 'realm' | 'classContexts'>): PbxAbilities {
  return {
    realm,
    credentialsPerExtension: 'many',
    readBack: true,
    endsRegistrations: true,
    endsCalls: true,
    resync: true,
    // The profile's ports are the admin's own; whether one demands certificates cannot be seen.
    certificates: 'not-checked',
    // sofia-sip's tport never sets OpenSSL's flag for it.
    revocationLists: 'not-checked',
    storesSecretAs: 'digest',
    callClasses: classContexts === null ? 'absent' : 'enforced',
    adoption: false,
  }
}

async function applyAccounts(
  { options, table, directory }: Parts,
  accounts: readonly PbxAccount[],
  talk: <T>(work: (session: EventSocketSession) => Promise<T>) => Promise<T>,
): Promise<void> {
  const entries = new Map(
    accounts.map((account): [string, TableEntry | null] => [
      account.extension,
      account.credentials.length === 0 ? null : entryOf(account, options.realm),
    ]),
  )
  const isFresh = ([extension, entry]: [string, TableEntry | null]) => entry !== null && !table.byExtension(extension)
  // What needs no question is in force at once, also while FreeSWITCH is down.
  await change(table, new Map([...entries].filter((one) => !isFresh(one))))
  const fresh = [...entries].filter(isFresh)
  const foreign = await talk(async (session) => {
    await requireAsked(session, directory, options.realm)
    return fresh.length === 0 ? new Set<string>() : listForeign(session, options.realm)
  })
  await change(table, new Map(fresh.filter(([extension]) => !foreign.has(extension))))
  const taken = fresh.map(([extension]) => extension).filter((extension) => foreign.has(extension))
  if (taken.length === 0) return
  throw new AppError(
    'PBX_REFUSED',
    `on FreeSWITCH, extension ${someOf(taken)} already stands in its own directory files`,
    {
      hint: 'with its password there it would take two. Remove it from conf/directory and run `reloadxml`, or choose another one',
    },
  )
}

/** By difference: nothing is written when nothing changes. */
async function change(table: FreeswitchTable, changes: ReadonlyMap<string, TableEntry | null>): Promise<void> {
  const news = [...changes].filter(
    ([extension, entry]) => JSON.stringify(table.byExtension(extension) ?? null) !== JSON.stringify(entry),
  )
  if (news.length > 0) await table.change(new Map(news))
}
