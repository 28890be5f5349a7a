import { z } from 'zod'
import { callClasses } from '../../domain/call-policy.ts'
import { parseExtension } from '../../domain/sip-account.ts'
import { AppError } from '../../errors.ts'
import { joinAccounts } from '../joined-accounts.ts'
import type { Call, PbxState, Registration } from '../pbx-driver.ts'
import { contactAddress } from '../source-address.ts'
import { type EventSocketSession, unreachable } from './event-socket.ts'
import { policyInForce } from './freeswitch-classes.ts'
import type { FreeswitchDirectory } from './freeswitch-directory.ts'
import type { FreeswitchOptions } from './freeswitch-options.ts'
import type { FreeswitchTable } from './freeswitch-table.ts'

/**
 * What is in force. The logins are those of our own table, once FreeSWITCH has been seen to ask it; registrations, calls
 * and users of its own files are what FreeSWITCH lists.
 */
export async function readFreeswitch(
  session: EventSocketSession,
  { table, directory, options }: { table: FreeswitchTable; directory: FreeswitchDirectory; options: FreeswitchOptions },
): Promise<PbxState> {
  await requireAsked(session, directory, options.realm)
  const [product, registrations, calls, foreign, contexts] = await Promise.all([
    readProduct(session),
    listRegistrations(session).then((all) => all.filter(({ host }) => isSame(host, options.realm))),
    listCalls(session, options),
    listForeign(session, options.realm),
    readContexts(session, options),
  ])
  const entries = new Map(table.entries().map((entry) => [entry.extension, entry]))
  const accounts = joinAccounts({ known: entries.keys(), registrations, calls }, (extension) => {
    const entry = entries.get(extension)
    return {
      credentials: (entry?.credentials ?? []).map(({ id, generation, digest }) => ({ id, generation, digest })),
      policy: entry ? policyInForce(entry.policy, contexts, options) : null,
    }
  })
  return { product, accounts, foreign: [...foreign].sort() }
}

/**
 * FreeSWITCH is made to look up a user who exists for this one question: only our own directory can say what it answers.
 * @throws AppError PBX_REFUSED when FreeSWITCH asks somebody else, or nobody.
 */
export async function requireAsked(
  session: EventSocketSession,
  directory: FreeswitchDirectory,
  realm: string,
): Promise<void> {
  const probe = directory.probe()
  try {
    const shown = await session.api(`find_user_xml id ${probe.user} ${realm}`)
    if (shown.includes(probe.answer)) return
  } finally {
    probe.forget()
  }
  throw new AppError('PBX_REFUSED', 'FreeSWITCH does not ask Ringfence who may log in', {
    hint: 'load mod_xml_curl and give it the binding of docs/freeswitch.md (address, login, bindings="directory"), then run `reload mod_xml_curl`; its log says what it got',
    retryable: true,
  })
}

export interface RegistrationOnFreeswitch extends Registration {
  /** What stands before the host: an extension, or whatever else somebody registered. */
  readonly extension: string
  readonly host: string
}

export interface CallOnFreeswitch extends Call {
  readonly extension: string
}

const registrationRow = z.object({
  reg_user: z.string(),
  realm: z.string(),
  token: z.string(),
  url: z.string(),
  network_ip: z.string(),
})

/** Of all domains. The handle is the Call-ID, which the phone chose: see freeswitch-cut.ts. */
export async function listRegistrations(session: EventSocketSession): Promise<readonly RegistrationOnFreeswitch[]> {
  const rows = await listRows(session, 'show registrations as json', registrationRow)
  return rows.map(({ reg_user, realm, token, url, network_ip }) => ({
    extension: reg_user,
    host: realm,
    id: token,
    contact: url,
    address: network_ip || null,
    userAgent: null,
  }))
}

export function isSame(host: string, realm: string): boolean {
  return host.toLowerCase() === realm.toLowerCase()
}

const channelRow = z.object({
  uuid: z.string(),
  direction: z.string(),
  name: z.string(),
  ip_addr: z.string(),
  presence_id: z.string(),
})

/**
 * Calls of our phones. Whose: the presence id of our realm, which the directory gives to both kinds, whatever the profile
 * or endpoint; on our own profile else the channel's name. The address of a phone that was called stands in the name;
 * `ip_addr` is then the caller's.
 */
export async function listCalls(
  session: EventSocketSession,
  { realm, profile }: Pick<FreeswitchOptions, 'realm' | 'profile'>,
): Promise<readonly CallOnFreeswitch[]> {
  const rows = await listRows(session, 'show channels as json', channelRow)
  return rows.flatMap((row): CallOnFreeswitch[] => {
    const [, kind, of, name = ''] = /^([^/]*)\/([^/]*)\/(.*)$/.exec(row.name) ?? []
    const [, present, host = ''] = /^([0-9]{2,15})@([^@]*)$/.exec(row.presence_id) ?? []
    const isOnProfile = kind === 'sofia' && of === profile
    const extension =
      present !== undefined && (isOnProfile || isSame(host, realm))
        ? present
        : isOnProfile
          ? /^(?:sips?:)?([0-9]{2,15})@/.exec(name)?.[1]
          : undefined
    if (!extension) return []
    const called = contactAddress(/^sips?:/.test(name) ? name : `sip:${name}`)
    return [{ extension, id: row.uuid, address: row.direction === 'outbound' ? called : row.ip_addr || null }]
  })
}

/** Extensions in FreeSWITCH's own files: our directory says "not found" to this question, so it looks there. */
export async function listForeign(session: EventSocketSession, realm: string): Promise<ReadonlySet<string>> {
  const text = await session.api(`list_users domain ${realm}`)
  const [head = '', ...lines] = text.split('\n')
  if (!head.startsWith('userid|context|domain|') || !/\n\+OK\s*$/.test(text)) throw partial('list_users')
  const ids = lines.flatMap((line) => {
    const [id = '', , domain = ''] = line.split('|')
    return isSame(domain, realm) && parseExtension(id).ok ? [id] : []
  })
  return new Set(ids)
}

/** The contexts of call classes that are in the dialplan, by name, with their text. */
export async function readContexts(
  session: EventSocketSession,
  { classContexts }: Pick<FreeswitchOptions, 'classContexts'>,
): Promise<ReadonlyMap<string, string>> {
  if (classContexts === null) return new Map()
  const names = callClasses.map((one) => `${classContexts}-${one}`)
  const texts = await Promise.all(names.map((name) => session.api(`xml_locate dialplan context name ${name}`)))
  return new Map(names.flatMap((name, index) => (texts[index]!.includes('<context') ? [[name, texts[index]!]] : [])))
}

/** `FreeSWITCH 1.10.12`. */
export async function readProduct(session: EventSocketSession): Promise<string> {
  const version = /^FreeSWITCH Version ([0-9.]+)/.exec(await session.api('version'))?.[1]
  return `FreeSWITCH${version ? ` ${version}` : ''}`
}

/** `row_count` says how many there are; fewer is half an answer. No `rows` at all: there are none. */
async function listRows<T>(session: EventSocketSession, command: string, row: z.ZodType<T>): Promise<readonly T[]> {
  const shape = z.object({ row_count: z.number().int(), rows: z.array(row).optional() })
  let value: unknown
  try {
    value = JSON.parse(await session.api(command))
  } catch (error) {
    if (error instanceof AppError) throw error
    throw partial(command)
  }
  const parsed = shape.safeParse(value)
  if (!parsed.success) throw partial(command)
  const { row_count, rows = [] } = parsed.data
  if (rows.length !== row_count) throw partial(command)
  return rows
}

function partial(command: string): AppError {
  return unreachable(`the answer of FreeSWITCH to ${command} is not a whole one`)
}
