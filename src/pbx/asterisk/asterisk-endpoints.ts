import { type AmiMessage, type AmiSession, field } from './ami-conversation.ts'
import { isOwnAuthList, parseAuthName } from './asterisk-account.ts'
import { shownEndpoint, shownEndpoints } from './asterisk-lists.ts'

/** Endpoints of the running Asterisk: all of them, or one by one where only a few are asked about. */
export interface ShownEndpoint {
  readonly name: string
  /** As Asterisk lists them, with commas between. */
  readonly auths: string
}

/**
 * Asterisk reads and builds every object anew for a list of all, unless they stand in its files: 0.6 ms for each that is
 * kept in its own database, as many as there are. One that is asked for by name takes 1 ms.
 */
const fewEndpoints = 50

/** `asked`: only these, where they are few. Complete or an error. */
export async function listEndpoints(
  session: AmiSession,
  asked?: readonly string[],
): Promise<{ readonly endpoints: readonly ShownEndpoint[]; readonly isWhole: boolean }> {
  if (asked === undefined || asked.length > fewEndpoints) {
    const events = await shownEndpoints(session)
    const endpoints = events.map((event) => ({ name: field(event, 'ObjectName'), auths: field(event, 'Auths') }))
    return { endpoints, isWhole: true }
  }
  const details = await Promise.all(asked.map((extension) => endpointDetail(session, extension)))
  const endpoints = details.flatMap((detail) =>
    detail ? [{ name: field(detail, 'ObjectName'), auths: field(detail, 'Auth') }] : [],
  )
  return { endpoints, isWhole: false }
}

/** Every option of one endpoint; null when there is none of that name. */
export async function endpointDetail(session: AmiSession, name: string): Promise<AmiMessage | null> {
  const events = await shownEndpoint(session, name)
  return (
    events.find((event) => field(event, 'Event') === 'EndpointDetail' && field(event, 'ObjectName') === name) ?? null
  )
}

/** True for an endpoint that we made: it has secrets, and we know some of them. */
export function isOurs({ name, auths }: ShownEndpoint): boolean {
  return isOwnAuthList(name, auths)
}

/** A secret of these extensions that none of these endpoints names: it may open another endpoint's door. */
export function hasStraySecret(
  asked: readonly string[],
  endpoints: readonly ShownEndpoint[],
  auths: readonly AmiMessage[],
): boolean {
  const named = new Set(endpoints.flatMap((endpoint) => endpoint.auths.split(',').map((name) => name.trim())))
  return auths
    .map((auth) => field(auth, 'ObjectName'))
    .some((name) => !named.has(name) && asked.includes(parseAuthName(name)?.extension ?? ''))
}
