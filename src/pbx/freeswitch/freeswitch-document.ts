import { callerName } from '../caller-name.ts'
import { classVariables } from './freeswitch-classes.ts'
import type { FreeswitchOptions } from './freeswitch-options.ts'
import type { FreeswitchTable, TableEntry } from './freeswitch-table.ts'

/**
 * The answer to one question of mod_xml_curl, from its form fields (sofia_reg.c, switch_xml.c of signalwire/freeswitch).
 * Pure.
 *
 * Rules that keep strangers out, each because FreeSWITCH does otherwise:
 * - A user without `params`, or with neither password nor a1-hash, is let in unasked: every answer that can be used for a
 *   login holds an a1-hash, every other one forbids logins.
 * - FreeSWITCH takes any login name for any extension: a login is answered only for the extension it belongs to.
 * - No `max-registrations-per-extension`: it turns away the newcomer, so a phone that was restarted would wait for its own
 *   old registration to run out.
 * - No `cacheable` anywhere: an answer holds for one login or call and is never remembered.
 */
export type Question = URLSearchParams

type DocumentOptions = Pick<FreeswitchOptions, 'realm' | 'context' | 'classContexts'>

/** Nobody of that name here; FreeSWITCH then looks into its own files. */
const notFound = `<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<document type="freeswitch/xml"><section name="result"><result status="not found"/></section></document>
`

export function answerTo(
  question: Question,
  table: Pick<FreeswitchTable, 'byUsername' | 'byExtension'>,
  options: DocumentOptions,
): string {
  if (!isPlain(question)) return notFound
  const isDomain =
    question.get('section') === 'directory' &&
    question.get('tag_name') === 'domain' &&
    question.get('key_name') === 'name' &&
    question.get('key_value')?.toLowerCase() === options.realm.toLowerCase()
  const user = question.get('user')
  if (!isDomain || user === null) return notFound
  const action = question.get('action') ?? ''
  if (action === 'sip_auth') {
    const found = table.byUsername(user)
    if (!found || !isOwn(question, user, found.entry)) return notFound
    return loginDocument(user, found, options)
  }
  // Event socket, Verto, Skinny, outbound logins: none of them is a phone of ours.
  if (/auth/i.test(action)) return notFound
  const entry = table.byExtension(user)
  return entry ? extensionDocument(entry, options) : notFound
}

const decisive = [
  'section',
  'tag_name',
  'key_name',
  'key_value',
  'user',
  'action',
  'sip_auth_username',
  'sip_auth_method',
  'sip_to_user',
  'sip_from_user',
]

/**
 * Whether no field that decides is given twice, in two ways: `key_value`, the realm that the phone names, stands in the form
 * as it is (mod_xml_curl.c, xml_url_fetch), so an `&` in it writes fields in front of the real ones. The same value twice is
 * FreeSWITCH itself, where it looks a user up by several keys (switch_xml.c), and headers `X-…` of a phone may repeat.
 */
function isPlain(question: Question): boolean {
  return decisive.every((field) => new Set(question.getAll(field)).size <= 1)
}

/** The login name and the extension in the request belong together; what cannot be told is refused. */
function isOwn(question: Question, user: string, { extension }: TableEntry): boolean {
  if (question.get('sip_auth_username') !== user) return false
  const claimed = question.get('sip_auth_method') === 'REGISTER' ? 'sip_to_user' : 'sip_from_user'
  return question.get(claimed) === extension
}

/** For a phone that shows its digest: what FreeSWITCH compares with, and what the call may do. */
function loginDocument(
  username: string,
  { entry, digest }: { entry: TableEntry; digest: string },
  options: DocumentOptions,
): string {
  const params = {
    'a1-hash': digest,
    'allow-empty-password': 'false',
    'vm-enabled': 'false',
  }
  return userDocument({ id: username, 'number-alias': entry.extension }, params, variablesOf(entry, options), options)
}

/** For a call to the extension: where its phones are. Opens nothing. */
function extensionDocument(entry: TableEntry, options: DocumentOptions): string {
  const params = {
    // One variable in front: whose call it is, by which the call is found again (conf/vanilla/directory/default.xml).
    // biome-ignore-start lint/suspicious/noTemplateCurlyInString: FreeSWITCH fills these in
    'dial-string':
      '{^^:sip_invite_domain=${dialed_domain}:presence_id=${dialed_user}@${dialed_domain}}${sofia_contact(*/${dialed_user}@${dialed_domain})}',
    // biome-ignore-end lint/suspicious/noTemplateCurlyInString: FreeSWITCH fills these in
    'allow-empty-password': 'false',
    'sip-forbid-register': 'true',
    // Ringfence knows no voicemail PIN, and a box without one is open (mod_voicemail.c, allow-empty-password-auth).
    'vm-enabled': 'false',
  }
  return userDocument({ id: entry.extension }, params, variablesOf(entry, options), options)
}

export function probeDocument(id: string, answer: string, options: DocumentOptions): string {
  const params = { 'allow-empty-password': 'false', 'sip-forbid-register': 'true' }
  return userDocument({ id }, params, { ringfence_probe: answer }, options)
}

function variablesOf(entry: TableEntry, options: DocumentOptions): Record<string, string> {
  const { extension, displayName, policy } = entry
  return {
    accountcode: extension,
    presence_id: `${extension}@${options.realm}`,
    effective_caller_id_name: callerName(displayName) || extension,
    effective_caller_id_number: extension,
    ...classVariables(policy, options),
  }
}

type Attributes = Readonly<Record<string, string>>

function userDocument(user: Attributes, params: Attributes, variables: Attributes, { realm }: DocumentOptions): string {
  const list = (tag: string, values: Attributes) =>
    Object.entries(values).map(([name, value]) => `      <${tag} name="${escaped(name)}" value="${escaped(value)}"/>`)
  const attributes = Object.entries(user).map(([name, value]) => ` ${name}="${escaped(value)}"`)
  return `<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<document type="freeswitch/xml">
 <section name="directory">
  <domain name="${escaped(realm)}">
   <user${attributes.join('')}>
    <params>
${list('param', params).join('\n')}
    </params>
    <variables>
${list('variable', variables).join('\n')}
    </variables>
   </user>
  </domain>
 </section>
</document>
`
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
}

/** Names have lost `$` and braces before (caller-name.ts): FreeSWITCH expands them wherever they stand. */
function escaped(value: string): string {
  return value.replace(/[&<>"']/g, (character) => entities[character] ?? '')
}
