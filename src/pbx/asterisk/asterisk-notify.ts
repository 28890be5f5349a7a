import type { NotifyAnswer, NotifyTarget } from '../pbx-driver.ts'
import { matcherOf } from '../source-address.ts'
import { type AmiSession, field } from './ami-conversation.ts'
import { actUnless } from './asterisk-deed.ts'
import { shownEndpoints } from './asterisk-lists.ts'
import { listRegistrations, type RegistrationOnAsterisk } from './asterisk-state.ts'

/**
 * PJSIPNotify of res/res_pjsip_notify.c (class `system`), which reaches either every contact of an endpoint or one URI;
 * both go out over the connection that the phone itself has opened (seen with 22.10.1). For a URI Asterisk borrows the
 * identity of its "default outbound endpoint"; without one it answers "NOTIFY sent" and sends nothing, so it is looked
 * for first. An extension whose registered phones are all meant needs none.
 */
export async function tellPhones(
  session: AmiSession,
  targets: readonly NotifyTarget[],
  { behindEdge = false }: { readonly behindEdge?: boolean } = {},
): Promise<readonly NotifyAnswer[]> {
  const registrations = Map.groupBy(await listRegistrations(session), ({ extension }) => extension)
  const matches = targets.map((target) => (registrations.get(target.extension) ?? []).filter(matcherOf([target])))
  const told = new Set<RegistrationOnAsterisk>()
  let oneByOne: Promise<boolean> | undefined
  for (const same of Map.groupBy(targets.keys(), (index) => key(targets[index]!)).values()) {
    const { extension, event } = targets[same[0]!]!
    const meant = new Set(same.flatMap((index) => matches[index]!))
    if (meant.size === 0) continue
    if (meant.size === registrations.get(extension)!.length) {
      if (await notify(session, { Endpoint: extension }, event)) for (const one of meant) told.add(one)
    } else {
      // A bare URI has no Path, so what is sent to it never passes an edge.
      oneByOne ??= behindEdge ? Promise.resolve(false) : hasOutboundEndpoint(session)
      if (!(await oneByOne)) continue
      for (const one of meant) if (await notify(session, { URI: one.contact }, event)) told.add(one)
    }
  }
  const why = behindEdge
    ? 'behind an edge this PBX cannot tell one phone of several on an extension'
    : 'this PBX cannot tell one phone of several on an extension (docs/asterisk.md, step 8)'
  return matches.map((found) => {
    const passedOver = found.filter((one) => !told.has(one)).map(({ contact }) => contact)
    return {
      told: found.filter((one) => told.has(one)).map(({ contact }) => contact),
      passedOver,
      ...(passedOver.length > 0 ? { why } : {}),
    }
  })
}

function key({ extension, event }: NotifyTarget): string {
  return `${extension} ${event}`
}

/** False when the endpoint went meanwhile: a phone whose account was taken away needs no news of it. */
function notify(session: AmiSession, to: { Endpoint: string } | { URI: string }, event: string): Promise<boolean> {
  return actUnless(
    session,
    { Action: 'PJSIPNotify', ...to, Variable: `Event=${event}` },
    /^Unable to retrieve endpoint/,
    'load res_pjsip_notify.so; it needs a pjsip_notify.conf, an empty one will do',
  )
}

/** The name is a setting of `[global]`, else what Asterisk falls back on (res/res_pjsip/config_global.c). */
async function hasOutboundEndpoint(session: AmiSession): Promise<boolean> {
  const [global, endpoints] = await Promise.all([
    session.ask({ Action: 'GetConfig', Filename: 'pjsip.conf', Category: 'global' }),
    shownEndpoints(session),
  ])
  const lines = [...global.values()].flat()
  const named = lines.map((line) => /^default_outbound_endpoint=(.+)$/.exec(line)?.[1]?.trim()).find(Boolean)
  const name = named ?? 'default_outbound_endpoint'
  return endpoints.some((endpoint) => field(endpoint, 'ObjectName') === name)
}
