import { isIP } from 'node:net'
import { digestHa1, parseExtension } from '../domain/sip-account.ts'
import { AppError } from '../errors.ts'
import { callerName } from './caller-name.ts'
import type { PbxAccount, PbxCredential } from './pbx-driver.ts'

/**
 * The text of the files that pjsip.conf includes. Pure: the same account gives the same bytes.
 *
 * Asterisk's reader (main/config.c of asterisk/asterisk): `;` starts a comment unless a backslash stands before it,
 * `;--` one over many lines; a line that starts with `[` or `#` is a section or a directive. No character with a meaning
 * ever gets into a value here: names lose them, everything else is refused.
 */
export interface AsteriskSettings {
  /** Part of every stored digest, so it never changes. */
  readonly realm: string
  /** The dialplan context where this phone's calls start. */
  readonly context: string
  /**
   * Address of the SIP edge in front. Then an account takes requests from there alone, sends calls back the way that the
   * edge wrote into the registration (Path, RFC 3327), and the contact stays as the edge told it: it has put the phone's
   * true address there.
   */
  readonly edge?: string | null
}

export interface AsteriskTransports {
  readonly bindAddress: string
  /** TLS, server certificate only. */
  readonly port: number
  /** TLS, client certificate required. */
  readonly mtlsPort: number
  /** Paths as Asterisk sees them. */
  readonly certificateFile: string
  readonly keyFile: string
  readonly handsetCaFile: string
}

/** An AOR that takes no registration. Seen in the running PBX it proves that pjsip.conf includes our folder. */
export const sentinelName = 'ringfence-included'

/** First line of each file of ours: a file without it belongs to somebody else and is left alone. */
export const ownershipMark = '; Written by Ringfence. Changes here are overwritten.'

export const transportsFile = '00-ringfence.conf'

export const accountsFile = '10-accounts.conf'

/** The name of one secret's `auth` object: it says which credential and which generation is in force. */
export function authName(extension: string, credential: Pick<PbxCredential, 'id' | 'generation'>): string {
  return `${extension}-${credential.id}-g${credential.generation}`
}

/** The reverse of `authName`; null for an object that Ringfence did not make. */
export function parseAuthName(name: string): { extension: string; id: string; generation: number } | null {
  const match = /^([0-9]{2,15})-([A-Za-z0-9-]{1,64})-g([0-9]{1,15})$/.exec(name)
  return match ? { extension: match[1]!, id: match[2]!, generation: Number(match[3]) } : null
}

/**
 * The objects of one extension. Only H(user:realm:secret) is written, never the secret.
 * @throws AppError INVALID_INPUT for values that could mean something else to Asterisk, and for an account without a
 * credential: an endpoint without `auth` takes calls from anybody.
 */
export function accountText(account: PbxAccount, settings: AsteriskSettings): string {
  requireValidAccount(account)
  if (account.credentials.length === 0) {
    throw new AppError('INVALID_INPUT', `extension ${account.extension} has no credential and must not have an account`)
  }
  const { extension } = account
  const { edge } = settings
  const auths = account.credentials.map(
    (credential) => `[${authName(extension, credential)}]
type=auth
auth_type=digest
realm=${settings.realm}
username=${credential.username}
password_digest=MD5:${digestHa1(credential.username, settings.realm, credential.secret)}
`,
  )
  return `[${extension}]
type=endpoint
context=${settings.context}
auth=${account.credentials.map((credential) => authName(extension, credential)).join(',')}
aors=${extension}
identify_by=username
callerid="${callerName(account.displayName)}" <${extension}>
disallow=all
allow=g722,alaw,ulaw
media_encryption=sdes
media_encryption_optimistic=no
direct_media=no
rtp_symmetric=yes
force_rport=yes
${contactLines(edge)}allow_subscribe=no
send_pai=no
trust_id_inbound=no

[${extension}]
type=aor
${edge ? 'support_path=yes\n' : ''}max_contacts=${account.maxContacts}
remove_existing=yes
minimum_expiration=60
default_expiration=600
maximum_expiration=3600
qualify_frequency=0

${auths.join('\n')}
`
}

/** Lists of an endpoint (`deny`, `permit` of res_pjsip): its requests are refused from anywhere but the edge. */
function contactLines(edge: string | null | undefined): string {
  if (!edge) return 'rewrite_contact=yes\n'
  return `rewrite_contact=no\ndeny=0.0.0.0/0\ndeny=::/0\npermit=${edge}/${edge.includes(':') ? 128 : 32}\n`
}

/**
 * An account that was written before the edge came, went or moved, as it would be written now: its secrets are the same, so
 * nothing else would ever write it again.
 */
export function withEdge(text: string, edge: string | null): string {
  const rest = text.replace(/^(rewrite_contact|deny|permit|support_path)=.*\n/gm, '')
  return rest
    .replace(/^force_rport=yes\n/m, (line) => line + contactLines(edge))
    .replace(/^type=aor\n/m, (line) => line + (edge ? 'support_path=yes\n' : ''))
}

/** @throws AppError INVALID_INPUT when a value is not one that a config line can hold safely. */
export function requireValidAccount(account: PbxAccount): void {
  if (!parseExtension(account.extension).ok || account.extension !== account.extension.trim()) {
    throw invalid('extension', account.extension)
  }
  if (!Number.isInteger(account.maxContacts) || account.maxContacts < 1 || account.maxContacts > 20) {
    throw invalid('number of devices', String(account.maxContacts))
  }
  for (const credential of account.credentials) {
    if (!/^[A-Za-z0-9-]{1,64}$/.test(credential.id)) throw invalid('credential id', credential.id)
    if (!Number.isSafeInteger(credential.generation) || credential.generation < 0) {
      throw invalid('generation', String(credential.generation))
    }
    if (!/^[A-Za-z0-9._-]{1,64}$/.test(credential.username)) throw invalid('user name', credential.username)
    if (credential.secret.reveal() === '') throw new AppError('INVALID_INPUT', 'an empty secret is no secret')
  }
  const names = account.credentials.map((credential) => credential.id)
  if (new Set(names).size !== names.length) {
    throw new AppError('INVALID_INPUT', `extension ${account.extension} lists the same credential twice`)
  }
}

/** @throws AppError CONFIG_INVALID for settings that would break the file or its meaning. */
export function requireValidSettings(settings: AsteriskSettings, transports: AsteriskTransports | null): void {
  const words: Record<string, string> = { realm: settings.realm, context: settings.context }
  for (const [name, value] of Object.entries(words)) {
    if (!/^[A-Za-z0-9._-]{1,64}$/.test(value)) throw unusable(name, value)
  }
  if (settings.edge && isIP(settings.edge) === 0) throw unusable('address of the edge', settings.edge)
  if (!transports) return
  const { bindAddress, port, mtlsPort, certificateFile, keyFile, handsetCaFile } = transports
  if (!/^[0-9a-fA-F.:]+$/.test(bindAddress)) throw unusable('bind address', bindAddress)
  for (const path of [certificateFile, keyFile, handsetCaFile]) {
    if (!/^\/[A-Za-z0-9._/+@-]+$/.test(path)) throw unusable('path', path)
  }
  for (const one of [port, mtlsPort]) {
    if (!Number.isInteger(one) || one < 1 || one > 65535) throw unusable('port', String(one))
  }
}

/**
 * The file that always exists, so that the include line always finds something. Asterisk reads a transport's settings
 * when it first meets it; with `allow_reload` at its default `no` a reload never drops live connections.
 */
export function transportsText(transports: AsteriskTransports | null): string {
  const sentinel = `${ownershipMark}\n[${sentinelName}]\ntype=aor\nmax_contacts=0\n`
  if (!transports) return sentinel
  const address = transports.bindAddress.includes(':') ? `[${transports.bindAddress}]` : transports.bindAddress
  return `${sentinel}
[ringfence-tls]
type=transport
protocol=tls
method=tlsv1_2
bind=${address}:${transports.port}
cert_file=${transports.certificateFile}
priv_key_file=${transports.keyFile}

[ringfence-mtls]
type=transport
protocol=tls
method=tlsv1_2
bind=${address}:${transports.mtlsPort}
cert_file=${transports.certificateFile}
priv_key_file=${transports.keyFile}
ca_list_file=${transports.handsetCaFile}
verify_client=yes
require_client_cert=yes
`
}

function invalid(what: string, value: string): AppError {
  return new AppError('INVALID_INPUT', `${JSON.stringify(value.slice(0, 80))} cannot be used as ${what} on Asterisk`)
}

function unusable(what: string, value: string): AppError {
  return new AppError(
    'CONFIG_INVALID',
    `${JSON.stringify(value.slice(0, 200))} cannot be used as ${what} for Asterisk`,
    {
      hint: 'letters, digits, dot, dash and underscore are safe',
    },
  )
}
