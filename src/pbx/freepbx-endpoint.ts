import { type AmiSession, field } from './ami-conversation.ts'

/** Every setting of one extension in the running Asterisk, in Asterisk's own names. */
export type EndpointSettings = ReadonlyMap<string, string>

/** What changes by itself while nobody changes a setting, and what Ringfence itself asks for. */
const restless = new Set([
  'maxcontacts',
  'removeexisting',
  'response',
  'event',
  'actionid',
  'eventlist',
  'devicestate',
  'activechannels',
  'contacts',
])

/** Null: Asterisk has no such endpoint (any more, or not yet). */
export async function readEndpoint(session: AmiSession, extension: string): Promise<EndpointSettings | null> {
  const events = await session.list(
    { Action: 'PJSIPShowEndpoint', Endpoint: extension },
    `Unable to retrieve endpoint ${extension}`,
  )
  const settings = new Map<string, string>()
  for (const event of events) {
    const kind = field(event, 'Event')
    if (kind !== 'EndpointDetail' && kind !== 'AorDetail') continue
    for (const [key, values] of event) if (!restless.has(key)) settings.set(`${kind} ${key}`, values.join(','))
  }
  return settings.size === 0 ? null : settings
}

/** Names only: among the values are numbers and names of people. */
export function settingsLost(before: EndpointSettings, after: EndpointSettings): string[] {
  const isSame = (key: string) => (before.get(key) ?? '') === (after.get(key) ?? '')
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter((key) => !isSame(key))
    .map((key) => key.replace(/^[A-Za-z]+ /, ''))
}
