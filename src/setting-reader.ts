/**
 * The environment's settings, one kind of value after the other. Everything that is wrong is remembered rather than
 * thrown, so that the admin sees it all at once. A value is repeated in a problem only where it cannot be a secret.
 */
import { X509Certificate } from 'node:crypto'
import { canonicalAddress, overlaps, type Prefix, parsePrefix, withoutBrackets } from './domain/address.ts'
import type { Problem } from './domain/parse.ts'
import { plainPath, plainWord } from './domain/plain-word.ts'
import { Secret } from './domain/secret.ts'
import { readSettingFile } from './setting-files.ts'
import { meant } from './setting-words.ts'

export type Environment = Readonly<Record<string, string | undefined>>

export interface HostPort {
  readonly host: string
  readonly port: number
}

export interface TlsFiles {
  readonly certificateFile: string
  readonly keyFile: string
}

/** Every name there is, without the prefix; the command line's own TOKEN is known so that it is no mistake. */
export const settingNames = [
  'DATA', 'LOG_LEVEL', 'TIME_ZONE', 'PASSPHRASE', 'PASSPHRASE_FILE',
  'LISTEN', 'LISTEN_HOSTS', 'LISTEN_TLS_CERT', 'LISTEN_TLS_KEY', 'ALLOW_PLAIN_CONSOLE', 'CONSOLE_URL',
  'OIDC_ISSUER', 'OIDC_CLIENT_ID', 'OIDC_CLIENT_SECRET_FILE', 'OIDC_ROLE_CLAIM', 'OIDC_ROLES', 'OIDC_NAME',
  'PHONE_LISTEN', 'PHONE_URL', 'PHONE_TLS', 'PHONE_TLS_CERT', 'PHONE_TLS_KEY', 'PHONE_TUNNEL_LISTEN', 'TRUSTED_PROXIES',
  'HUB_INTERFACE', 'HUB_ENDPOINT', 'HUB_PORT', 'HUB_SOCKET', 'HUB_DATA', 'HUB_SUBNET', 'PHONE_SUBNETS', 'HUB_MASQUERADE',
  'HUB_TIME_SERVERS', 'HUB_NAME_SERVERS', 'TIME_SERVER',
  'PBX', 'PBX_NAME', 'PBX_SITE', 'PBX_ADDRESS', 'PBX_HOST', 'PBX_PORT', 'PBX_MTLS_PORT', 'PBX_RTP', 'PBX_REALM',
  'PBX_CONFIG_DIR', 'PBX_AMI', 'PBX_AMI_TLS', 'PBX_AMI_USER', 'PBX_AMI_SECRET_FILE', 'PBX_CONTEXT', 'PBX_INTERNAL_CONTEXT', 'PBX_BIND', 'PBX_TLS_CERT', 'PBX_TLS_KEY', 'PBX_CA_FILE',
  'PBX_ACCOUNTS', 'PBX_DATABASE', 'PBX_DATABASE_URL_FILE', 'PBX_ARI', 'PBX_ARI_USER', 'PBX_ARI_SECRET_FILE', 'PBX_MANAGEMENT_CA_FILE', 'PBX_RPC',
  'PBX_API_URL', 'PBX_API_CLIENT', 'PBX_API_SECRET_FILE', 'PBX_BRAND', 'STEP_REMINDER_HOURS',
  'PBX_ESL', 'PBX_ESL_SECRET_FILE', 'PBX_PROFILE', 'PBX_CLASS_CONTEXTS', 'PBX_SUBJECTS_FILE', 'PBX_SUBJECTS_RESTART', 'PBX_DIRECTORY_LISTEN', 'PBX_DIRECTORY_USER', 'PBX_DIRECTORY_SECRET_FILE', 'PBX_DIRECTORY_FROM', 'PBX_DIRECTORY_TLS_CERT', 'PBX_DIRECTORY_TLS_KEY',
  'EDGE_ADDRESS', 'EDGE_HOST', 'EDGE_PORT', 'EDGE_MTLS_PORT', 'EDGE_PBX_PORT', 'EDGE_RPC', 'EDGE_RPC_SECRET_FILE', 'EDGE_DIR', 'EDGE_TLS_CERT', 'EDGE_TLS_KEY', 'EDGE_PBX_CA_FILE', 'EDGE_INTERNAL_NUMBERS',
  'SMTP_URL', 'SMTP_USER', 'SMTP_PASSWORD_FILE', 'SMTP_FROM', 'SMTP_CA_FILE', 'MAIL_LANGUAGE',
  'TOKEN',
] as const // biome-ignore format: a table reads better in groups

export type SettingName = (typeof settingNames)[number]

/** What is not wrong, and yet something that `doctor` should tell. */
export interface SettingNote {
  readonly message: string
  readonly hint: string
}

export interface SettingReader {
  readonly problems: Problem[]
  readonly notes: SettingNote[]
  /** The same for a further PBX: PBX_ADDRESS is PBX2_ADDRESS there, and what it says of RINGFENCE_PBX_… is said so too. */
  ofPbx(number: string): SettingReader
  /** The numbers of further PBXs for which there is any setting, in their order. */
  furtherPbxs(): readonly string[]
  /** A sentence that names settings, for the PBX whose settings these are. */
  inWords(text: string): string
  /** Remembers a problem; null, so that a reader can answer with it. */
  wrong(name: SettingName, message: string, hint?: string): null
  note(message: string, hint: string): void
  /** Without white space at its ends; null where it is not set or empty. */
  text(name: SettingName): string | null
  on(name: SettingName): boolean
  port(name: SettingName, fallback: number): number
  hostPort(name: SettingName, fallback: HostPort): HostPort
  /** `value` in canonical form; null where it is null or wrong. */
  address(name: SettingName, value: string | null, hint?: string): string | null
  addresses(name: SettingName): string[]
  subnets(name: SettingName, fallback: string): Prefix[]
  /** Both or neither. `path` reads one of them; default: any text. */
  tlsFiles(cert: SettingName, key: SettingName, path?: (name: SettingName) => string | null): TlsFiles | null
  /** What a file holds, without the line break at its end. */
  secretFile(name: SettingName): Secret | null
  /** Certificates of authorities, PEM; null where it is not set. */
  pemFile(name: SettingName): string | null
  /** A full path that can stand in the files of Asterisk and Kamailio. */
  asteriskPath(name: SettingName): string | null
}

/** Ranges that mean something else to every host: an interface with such an address would break the machine's own. */
const unusable = ['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/3', '::/8', 'fe80::/10', 'ff00::/8']

/** RINGFENCE_PBX2 to RINGFENCE_PBX99, and what belongs to each. */
const furtherPbx = /^PBX([2-9]|[1-9][0-9])(?=_|$)/

/** @param files `unread` for the hub, which needs none of those that are named and may read none: each is then null */
export function settingReader(env: Environment, files: 'read' | 'unread' = 'read'): SettingReader {
  const problems: Problem[] = []
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith('RINGFENCE_') || name.startsWith('RINGFENCE_TEST_')) continue
    const number = furtherPbx.exec(name.slice('RINGFENCE_'.length))?.[1] ?? ''
    const plain = name.slice('RINGFENCE_'.length).replace(furtherPbx, 'PBX')
    if (!(settingNames as readonly string[]).includes(plain)) {
      const right = meant(plain, settingNames)?.replace(/^PBX/, `PBX${number}`)
      const hint = `${right ? `did you mean RINGFENCE_${right}? ` : ''}docs/configuration.md lists them all`
      problems.push({ field: name, message: 'there is no such setting', hint })
    }
    if (/\p{Cc}/u.test(value?.trim() ?? ''))
      problems.push({ field: name, message: 'contains a control character or a line break', hint: 'type it again' })
  }
  return readerOf(env, { problems, notes: [], files }, (name) => name)
}

interface Kept extends Pick<SettingReader, 'problems' | 'notes'> {
  readonly files: 'read' | 'unread'
}

function readerOf(env: Environment, kept: Kept, inPlace: (text: string) => string): SettingReader {
  const { problems, notes } = kept
  const inWords = (sentence: string) => sentence.replace(/RINGFENCE_\w+/g, inPlace)
  const wrong = (name: SettingName, message: string, hint?: string): null => {
    const field = inPlace(`RINGFENCE_${name}`)
    problems.push({ field, message: inWords(message), ...(hint ? { hint: inWords(hint) } : {}) })
    return null
  }
  const note = (message: string, hint: string): void =>
    void notes.push({ message: inWords(message), hint: inWords(hint) })
  const text = (name: SettingName): string | null => env[inPlace(`RINGFENCE_${name}`)]?.trim() || null
  const address = (name: SettingName, value: string | null, hint?: string): string | null =>
    value === null ? null : (canonicalAddress(value) ?? wrong(name, `${quoted(value)} is not an IP address`, hint))

  return {
    problems,
    notes,
    wrong,
    note,
    text,
    address,
    inWords,
    ofPbx: (number) => readerOf(env, kept, (name) => name.replace(/^RINGFENCE_PBX(?=_|$)/, `RINGFENCE_PBX${number}`)),
    furtherPbxs() {
      const named = Object.entries(env).filter(([, value]) => value?.trim())
      const numbers = named.flatMap(([name]) => furtherPbx.exec(name.replace(/^RINGFENCE_/, ''))?.[1] ?? [])
      return [...new Set(numbers)].sort((one, other) => Number(one) - Number(other))
    },
    on(name) {
      const value = (text(name) ?? 'no').toLowerCase()
      if (['1', 'yes', 'true', 'on'].includes(value)) return true
      if (!['0', 'no', 'false', 'off'].includes(value)) wrong(name, `${quoted(value)} is neither yes nor no`)
      return false
    },
    port(name, fallback) {
      const value = text(name)
      if (value === null || isPort(value)) return Number(value ?? fallback)
      wrong(name, `${quoted(value)} is not a port`, 'a number from 1 to 65535')
      return fallback
    },
    hostPort(name, fallback) {
      const value = text(name)
      const parsed = value === null ? fallback : splitHostPort(value)
      if (parsed === null) wrong(name, `${quoted(value ?? '')} is not host:port`, `such as ${formatHostPort(fallback)}`)
      return parsed ?? fallback
    },
    addresses: (name) => [...new Set(splitList(text(name)).flatMap((entry) => address(name, entry) ?? []))],
    subnets(name, fallback) {
      const found: Prefix[] = []
      for (const entry of splitList(text(name) ?? fallback)) {
        const prefix = entry.includes('/') ? parsePrefix(entry) : null
        const twice = prefix && found.find((other) => overlaps(prefix, other))
        if (!prefix) wrong(name, `${quoted(entry)} is not a subnet`, `such as ${fallback}`)
        else if (twice) wrong(name, `${prefix.text} overlaps ${twice.text}`, 'name each subnet once')
        else if (unusable.some((range) => overlaps(prefix, parsePrefix(range)!)))
          wrong(
            name,
            `${prefix.text} has a meaning of its own on every host`,
            `take a private range such as ${fallback}`,
          )
        else found.push(prefix)
      }
      return found
    },
    tlsFiles(cert, key, path = text) {
      const [certificateFile, keyFile] = [path(cert), path(key)]
      if ((text(cert) === null) !== (text(key) === null))
        wrong(text(cert) === null ? cert : key, 'certificate and key go together; one of them is missing')
      return certificateFile && keyFile ? { certificateFile, keyFile } : null
    },
    secretFile(name) {
      const path = text(name)
      if (path === null || kept.files === 'unread') return null
      const read = readSettingFile(path)
      if ('problem' in read) return wrong(name, read.problem, 'it takes a path, and this user must be able to read it')
      const secret = read.text.replace(/\r?\n$/, '')
      if (secret.trim() === '') return wrong(name, 'names a file that is empty')
      if (read.isOpen)
        note(`everybody on this machine may read the secret file of RINGFENCE_${name}`, `chmod 600 ${path}`)
      return new Secret(secret)
    },
    pemFile(name) {
      const path = text(name)
      if (path === null || kept.files === 'unread') return null
      const read = readSettingFile(path)
      if ('problem' in read) return wrong(name, read.problem, 'PEM, readable by this user')
      if (isCertificate(read.text)) return read.text
      return wrong(
        name,
        `names ${quoted(path)}, which holds no certificate in PEM`,
        'it begins with -----BEGIN CERTIFICATE-----; of a file in DER: openssl x509 -inform der -in FILE -out FILE.pem',
      )
    },
    asteriskPath(name) {
      const value = text(name)
      if (value === null || plainPath.test(value)) return value
      return wrong(
        name,
        `${quoted(value)} cannot stand in ${name.startsWith('EDGE_') || text('PBX') === 'kamailio' ? "Kamailio's" : "Asterisk's"} files`,
        'a full path of letters, digits and ._/+@-',
      )
    },
  }
}

export function formatHostPort({ host, port }: HostPort): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** An IP address or a name of letters, digits, dots and dashes; `10.1` and `1.2.3.999` are neither. */
export function isHost(text: string): boolean {
  if (canonicalAddress(text) !== null) return true
  return /^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/.test(text) && !/^[0-9.]+$/.test(text)
}

/** https, a host, perhaps a port and a path; without a closing slash. Null for everything else. */
export function baseUrl(text: string): string | null {
  if (!/^https:\/\/[^/?#@\\]+(\/[^?#\\]*)?$/i.test(text)) return null
  const url = URL.parse(text)
  if (url === null || !isHost(withoutBrackets(url.hostname))) return null
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`
}

/** A wrong value, so that a slip of the finger can be seen; never more than a line of it. */
export function quoted(value: string): string {
  return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value)
}

/** A name that can stand in a PBX's own files. */
export function readWord({ text, wrong }: SettingReader, name: SettingName, fallback: string, what: string): string {
  const word = text(name) ?? fallback
  if (!plainWord.test(word))
    wrong(name, `${quoted(word)} is not ${what}`, 'letters, digits, dots, dashes and underscores')
  return word
}

/** Says of each that is not set that this PBX needs it. */
export function requireSettings({ text, wrong }: SettingReader, driver: string, names: readonly SettingName[]): void {
  for (const name of names) {
    if (text(name) === null)
      wrong(name, `is needed with RINGFENCE_PBX=${driver}`, `docs/${driver}.md goes through the set-up`)
  }
}

/** By commas or white space. */
export function splitList(value: string | null): string[] {
  return (value ?? '').split(/[\s,]+/).filter(Boolean)
}

function splitHostPort(value: string): HostPort | null {
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([^:[\]\s/]+)):(\d{1,5})$/.exec(value)
  const host = match?.[1] ?? match?.[2]
  if (!match || !host || !isPort(match[3]!) || !isHost(host)) return null
  return { host: canonicalAddress(host) ?? host, port: Number(match[3]) }
}

function isCertificate(pem: string): boolean {
  try {
    return pem.includes('-----BEGIN CERTIFICATE-----') && new X509Certificate(pem).subject !== undefined
  } catch {
    return false
  }
}

function isPort(value: string): boolean {
  return /^\d{1,5}$/.test(value) && Number(value) >= 1 && Number(value) <= 65_535
}
