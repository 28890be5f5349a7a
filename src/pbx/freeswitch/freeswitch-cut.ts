import { setTimeout as pause } from 'node:timers/promises'
import { AppError } from '../../errors.ts'
import type { DisconnectTarget } from '../pbx-driver.ts'
import { matcherOf } from '../source-address.ts'
import type { EventSocketSession } from './event-socket.ts'
import type { FreeswitchOptions } from './freeswitch-options.ts'
import {
  type CallOnFreeswitch,
  isSame,
  listCalls,
  listRegistrations,
  type RegistrationOnFreeswitch,
} from './freeswitch-state.ts'

const settleMs = 2000
const lookEveryMs = 20

type CutOptions = Pick<FreeswitchOptions, 'realm' | 'profile'>

/** Removes registrations and ends calls until none is left that was meant. */
export async function cut(
  session: EventSocketSession,
  targets: readonly DisconnectTarget[],
  options: CutOptions,
  signal: AbortSignal,
): Promise<void> {
  const isMeant = matcherOf(targets)
  const deadline = performance.now() + settleMs
  const asked = new Set<string>()
  for (;;) {
    const [registrations, calls] = await Promise.all([listRegistrations(session), listCalls(session, options)])
    const meant = registrations.filter((one) => isSame(one.host, options.realm) && isMeant(one))
    const channels = calls.filter(isMeant)
    const { targets: flushed, untouchable } = flushTargets(meant, registrations, options.realm)
    const isDone = flushed.length === 0 && channels.length === 0
    // What still stands after this is for the next look to report; nobody else waits for a phone with a dangerous name.
    if (isDone || performance.now() > deadline) {
      if (untouchable.length > 0) throw dangerousName(untouchable[0]!)
      return
    }
    // Calls first: they are what costs money.
    for (const { id } of channels) if (!asked.has(id)) await hangUp(session, id)
    for (const target of flushed) {
      const reply = await session.api(flushCommand(options.profile, target))
      if (!reply.startsWith('+OK')) throw refused('flush_inbound_reg', reply)
    }
    for (const { id } of channels) asked.add(id)
    await pause(lookEveryMs, undefined, { signal })
  }
}

/** What to flush, so that these go and no other: the extension where all of it is meant, else one Call-ID each. */
function flushTargets(
  meant: readonly RegistrationOnFreeswitch[],
  all: readonly RegistrationOnFreeswitch[],
  realm: string,
): { readonly targets: readonly string[]; readonly untouchable: readonly string[] } {
  const [targets, untouchable]: [string[], string[]] = [[], []]
  for (const [extension, registrations] of Map.groupBy(meant, (one) => one.extension)) {
    const present = all.filter((one) => one.extension === extension && isSame(one.host, realm))
    if (present.length === registrations.length) targets.push(`${extension}@${registrations[0]!.host}`)
    else for (const { id } of registrations) (isSafeCallId(id, all) ? targets : untouchable).push(id)
  }
  return { targets, untouchable }
}

/**
 * FreeSWITCH takes one word for three things (sofia_reg.c, sofia_reg_expire_call_id): `x` is also everybody on host x,
 * `u@h` also user u on host h, `@h` everybody on h, and the word `reboot` everybody at all. The Call-ID is the phone's own
 * choice, so a phone could make its removal throw out the whole office.
 */
function isSafeCallId(callId: string, all: readonly RegistrationOnFreeswitch[]): boolean {
  const at = callId.indexOf('@')
  const [user, host] = at < 0 ? ['', callId] : [callId.slice(0, at), callId.slice(at + 1)]
  const hits = all.filter((one) => isSame(one.host, host) && (user === '' || one.extension === user))
  return isWord(callId) && hits.length === 0
}

function dangerousName(callId: string): AppError {
  return new AppError(
    'PBX_REFUSED',
    `a phone gave its registration a name that stands for other phones too: ${JSON.stringify(callId.slice(0, 60))}`,
    {
      hint: 'such a name is no accident. Ringfence removes no colleague to get at it: restart that phone, or wait until the registration runs out',
      retryable: true,
    },
  )
}

/** Never without a target, which would flush everybody. */
export function flushCommand(profile: string, target: string): string {
  if (!isWord(profile) || !isWord(target))
    throw new AppError('INVALID_INPUT', 'without one registration to remove, FreeSWITCH would remove them all')
  return `sofia profile ${profile} flush_inbound_reg ${target}`
}

/** One argument of an API command, and not the keyword that means everybody. */
function isWord(text: string): boolean {
  return /^[!-~]{1,256}$/.test(text) && !/['"\\`$]/.test(text) && text.toLowerCase() !== 'reboot'
}

async function hangUp(session: EventSocketSession, id: CallOnFreeswitch['id']): Promise<void> {
  if (!/^[A-Za-z0-9._@-]{1,128}$/.test(id)) throw refused('uuid_kill', `an odd id ${JSON.stringify(id.slice(0, 60))}`)
  const reply = await session.api(`uuid_kill ${id}`)
  // That it ended by itself meanwhile is what we wanted.
  if (!reply.startsWith('+OK') && !reply.startsWith('-ERR No such channel')) throw refused('uuid_kill', reply)
}

function refused(command: string, words: string): AppError {
  return new AppError('PBX_REFUSED', `FreeSWITCH refused ${command}: ${words.trim().slice(0, 200)}`, {
    hint: 'check the name of the sofia profile, and that mod_sofia and mod_commands are loaded',
    retryable: true,
  })
}
