import { type AmiSession, field } from '../asterisk/ami-conversation.ts'
import { shownEndpoint } from '../asterisk/asterisk-lists.ts'

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
  'totalcontacts',
  'contactsregistered',
])

/** Null: Asterisk has no such endpoint (any more, or not yet). */
export async function readEndpoint(session: AmiSession, extension: string): Promise<EndpointSettings | null> {
  const events = await shownEndpoint(session, extension)
  const settings = new Map<string, string>()
  for (const event of events) {
    const kind = field(event, 'Event')
    if (kind !== 'EndpointDetail' && kind !== 'AorDetail') continue
    for (const [key, values] of event) if (!restless.has(key)) settings.set(`${kind} ${key}`, values.join(','))
  }
  return settings.size === 0 ? null : settings
}

/** Extensions with calls in the clear: FreePBX makes them so, its API cannot say otherwise, and our phones refuse. */
export async function unencrypted(session: AmiSession, extensions: readonly string[]): Promise<readonly string[]> {
  const found = await Promise.all(
    extensions.map(async (extension) => {
      const settings = await readEndpoint(session, extension)
      const media = settings?.get('EndpointDetail mediaencryption') ?? 'sdes'
      return /^(sdes|dtls)$/i.test(media) ? [] : [extension]
    }),
  )
  return found.flat()
}

/** Names only: among the values are numbers and names of people. */
export function settingsLost(before: EndpointSettings, after: EndpointSettings): string[] {
  const isSame = (key: string) => (before.get(key) ?? '') === (after.get(key) ?? '')
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter((key) => !isSame(key))
    .map((key) => key.replace(/^[A-Za-z]+ /, ''))
}
