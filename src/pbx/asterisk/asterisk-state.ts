import { policyText } from '../../domain/call-policy.ts'
import { joinAccounts } from '../joined-accounts.ts'
import type { Call, PbxAccountInForce, PbxState, Registration, Sight, WayIn } from '../pbx-driver.ts'
import { contactAddress } from '../source-address.ts'
import { type AmiMessage, type AmiSession, field } from './ami-conversation.ts'
import { namesIn, parseAuthName } from './asterisk-account.ts'
import { keepsCalls, readPolicies } from './asterisk-calls.ts'
import { hasStraySecret, isOurs, listEndpoints, type ShownEndpoint } from './asterisk-endpoints.ts'
import { shownAuths } from './asterisk-lists.ts'
import type { AsteriskOptions } from './asterisk-options.ts'

/**
 * What is in force in the running Asterisk, from four list actions, however many accounts there are; of a few extensions
 * quicker, since the list of endpoints is what takes long. The error texts for "none" are those of
 * res_pjsip/pjsip_config.c and its neighbours in asterisk/asterisk 22; any other error is one.
 */
export async function readState(
  session: AmiSession,
  options: AsteriskOptions,
  { extensions: only, policies: showPolicies = true }: Sight = {},
): Promise<PbxState> {
  const [product, shown, auths, registrations, calls, policies] = await Promise.all([
    readProduct(session),
    listEndpoints(session, only),
    shownAuths(session),
    listRegistrations(session),
    listCalls(session),
    showPolicies && keepsCalls(options) ? readPolicies(options, session, only) : null,
  ])
  const isPartial = only !== undefined && !shown.isWhole && !hasStraySecret(only, shown.endpoints, auths)
  const { endpoints } = shown.isWhole || isPartial ? shown : await listEndpoints(session)
  const isMeant = isPartial ? ({ extension }: { readonly extension: string }) => only.includes(extension) : () => true
  const state = assemble(endpoints, auths, registrations.filter(isMeant), calls.filter(isMeant))
  const isAsked = (extension: string) => only === undefined || only.includes(extension)
  // An extension without an account may dial nothing, so nothing is said of it.
  const accounts = state.accounts.map((account) =>
    policies === null || account.credentials.length === 0 || !isAsked(account.extension)
      ? account
      : { ...account, policy: policies.get(account.extension) ?? policyText(null) },
  )
  return { product, ...state, accounts }
}

/** `Asterisk 22.10.1`: without what a distribution adds behind a plus sign. */
export async function readProduct(session: AmiSession): Promise<string> {
  const settings = await session.act({ Action: 'CoreSettings' })
  return `Asterisk ${field(settings, 'AsteriskVersion').split('+')[0]}`
}

export interface RegistrationOnAsterisk extends Registration {
  readonly extension: string
  /** The way back that was stored with it (RFC 3327); empty for a phone that came by itself. */
  readonly path: string
}

export interface CallOnAsterisk extends Call {
  readonly extension: string
}

/** Also those of an extension that is gone: a contact outlives its endpoint in Asterisk's database. */
export async function listRegistrations(session: AmiSession): Promise<readonly RegistrationOnAsterisk[]> {
  const events = await session.list({ Action: 'PJSIPShowContacts' }, 'No Contacts found')
  return events.flatMap((event) => {
    // `1001;@<md5>`: the AOR, then a hash of the contact (res_pjsip_registrar.c); a static contact has `@` alone.
    const id = field(event, 'ObjectName')
    const extension = /^([0-9]{2,15});@/.exec(id)?.[1]
    if (!extension) return []
    const contact = field(event, 'Uri')
    // With rewrite_contact the host is the source address that Asterisk saw, not what the phone claims.
    const [path, userAgent] = [field(event, 'Path'), field(event, 'UserAgent') || null]
    return [{ extension, id, contact, address: contactAddress(contact), userAgent, path }]
  })
}

/**
 * Live channels of PJSIP endpoints, each with the address of its phone: that of the contact, since `remote_addr` is empty
 * for a phone that was called, and a call that rings or talks with a closed phone must end whoever began it.
 */
export async function listCalls(session: AmiSession): Promise<readonly CallOnAsterisk[]> {
  const events = await session.list({ Action: 'Status', Variables: 'CHANNEL(pjsip,target_uri)' })
  return events.flatMap((event) => {
    const id = field(event, 'Channel')
    // Chan_pjsip names a channel `PJSIP/<endpoint>-<8 hex digits>`; anchored, so 100 is never 1001.
    const extension = /^PJSIP\/([0-9]{2,15})-[0-9a-f]{8}$/.exec(id)?.[1]
    if (!extension) return []
    // With rewrite_contact the host is the source address that Asterisk saw.
    const contact = field(event, 'Variable').replace(/^CHANNEL\(pjsip,target_uri\)=/, '')
    return [{ extension, id, address: contactAddress(contact) }]
  })
}

function assemble(
  endpoints: readonly ShownEndpoint[],
  auths: readonly AmiMessage[],
  registrations: readonly RegistrationOnAsterisk[],
  calls: readonly CallOnAsterisk[],
): Omit<PbxState, 'product'> {
  const digests = new Map(auths.map((auth) => [field(auth, 'ObjectName'), shownDigest(auth)]))
  const credentials = new Map<string, PbxAccountInForce['credentials'][number][]>()
  const foreign = new Set<string>()
  const othersWaysIn: WayIn[] = []
  const credentialsOf = (extension: string) => {
    const known = credentials.get(extension) ?? []
    credentials.set(extension, known)
    return known
  }

  for (const endpoint of endpoints) {
    const { name } = endpoint
    if (isOurs(endpoint)) credentialsOf(name)
    else foreign.add(name)
    for (const auth of namesIn(endpoint.auths)) {
      const parsed = parseAuthName(auth)
      // Counted for the extension it was made for, whichever endpoint uses it: it opens a door either way.
      if (parsed && digests.has(auth)) {
        const { extension, ...credential } = parsed
        credentialsOf(extension).push({ ...credential, digest: digests.get(auth) ?? null })
      } else if (!parsed && !foreign.has(name))
        othersWaysIn.push({ extension: name, words: `also takes the secret of ${auth}` })
    }
  }
  const accounts = joinAccounts({ known: credentials.keys(), registrations, calls }, (extension) => ({
    credentials: credentials.get(extension) ?? [],
    policy: null,
  }))
  return { accounts, foreign: [...foreign].sort(), othersWaysIn }
}

/**
 * A clear password beside the digest would be a second way in, so such an object shows no digest of ours. `md5` is what
 * old tables can hold; it means the same as `digest` (res/res_pjsip/config_auth.c).
 */
function shownDigest(auth: AmiMessage): string | null {
  if (!['digest', 'md5'].includes(field(auth, 'AuthType')) || field(auth, 'Password') !== '') return null
  return /^MD5:([0-9a-f]{32})$/i.exec(field(auth, 'PasswordDigest'))?.[1]?.toLowerCase() ?? null
}
