import { createHash } from 'node:crypto'
import { Mask } from '../domain/mask.ts'
import { Secret } from '../domain/secret.ts'
import { digestHa1 } from '../domain/sip-account.ts'
import type { BlankingValues, FileValues } from './phone-port.ts'
import { type SettingWords, settingScope } from './setting-scope.ts'

/** The names that templates see. Secrets stay wrapped until the escape prints them; docs/templates.md lists the names. */
export function scopeOf(values: FileValues, words: SettingWords): object {
  const { sip } = values
  const scope = {
    extension: values.extension,
    displayName: values.displayName,
    mac: values.mac,
    provisioningUrl: values.provisioningUrl,
    get provisioning() {
      return partsOf(values.provisioningUrl)
    },
    timeServer: values.timeServer,
    sip: {
      host: sip.host,
      port: sip.port,
      username: sip.username,
      realm: sip.realm,
      expiresSeconds: sip.expiresSeconds,
      secret: sip.secret,
      ha1:
        sip.secret instanceof Mask ? sip.secret.of('ha1') : new Secret(digestHa1(sip.username, sip.realm, sip.secret)),
      identity: `${quoted(values.displayName)} <sip:${values.extension}@${sip.host}>`,
    },
    hasCaCertificate: values.caCertificate !== null,
    hasClientCertificate: values.clientCertificate !== null,
    get caCertificateBase64() {
      return values.caCertificate && pemLines(values.caCertificate).filter(isBase64).join('')
    },
    get caCertificateLines() {
      return values.caCertificate && pemLines(values.caCertificate)
    },
    get clientCertificateLines() {
      return values.clientCertificate && pemLines(values.clientCertificate.certificate)
    },
    get clientKeyLines() {
      return (
        values.clientCertificate &&
        pemLines(values.clientCertificate.privateKey.reveal()).map((line) => new Secret(line))
      )
    },
    phoneAdminPassword: values.phoneAdminPassword,
    phoneUserPassword: values.phoneUserPassword,
    get phoneAdminDigits() {
      return digitsOf(values.phoneAdminPassword)
    },
    get phoneUserDigits() {
      return digitsOf(values.phoneUserPassword)
    },
  }
  // Not spread: that would work out certificates and time zones for templates that do not print them.
  return Object.defineProperties(scope, Object.getOwnPropertyDescriptors(settingScope(values, words)))
}

interface UrlParts {
  readonly scheme: string
  readonly address: string
  readonly host: string
  readonly port: number
  readonly path: string
}

/** For phones that want the pieces apart: `https`, `phones.example.com:8443` (or its host and port), `p/token`. */
function partsOf(url: string): UrlParts {
  const { protocol, host, hostname, port, pathname } = new URL(url)
  return {
    scheme: protocol.slice(0, -1),
    address: host,
    host: hostname,
    port: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port),
    path: pathname.replace(/^\/|\/$/g, ''),
  }
}

/**
 * Nine digits that follow from a password, for phones whose own password is a number (Mitel: up to 4294967295).
 * SHA-256 of it modulo 900,000,000, plus 100,000,000: the same password gives the same digits, and never a leading zero.
 */
export function digitsOf(password: Secret): Secret {
  if (password instanceof Mask) return password.of('digits')
  const number = createHash('sha256').update(`digits:${password.reveal()}`).digest().readUIntBE(0, 6)
  return new Secret(String(100_000_000 + (number % 900_000_000)))
}

/** Printed one by one, since the escape takes line breaks out of every value: the template decides how to join them. */
function pemLines(pem: string): readonly string[] {
  return pem
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
}

function isBase64(line: string): boolean {
  return !line.startsWith('-----')
}

/** A quoted-string of RFC 3261 section 25.1: a name with a quotation mark must not end early and start an address. */
function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, (character) => `\\${character}`)}"`
}

export function blankingScope({ mac, filler }: BlankingValues): object {
  return {
    mac,
    filler,
    get fillerDigits() {
      return digitsOf(filler)
    },
  }
}

// What a template is tried with when it is loaded.
const secret = new Secret('sample')
const sample: FileValues = {
  extension: '1001',
  displayName: 'Sample',
  mac: '001122334455',
  sip: { host: 'pbx.example.com', port: 5061, username: '1001a', secret, realm: 'ringfence', expiresSeconds: 600 },
  caCertificate: 'sample',
  clientCertificate: { certificate: 'sample', privateKey: secret },
  provisioningUrl: 'https://phones.example.com/p/sample/',
  phoneAdminPassword: secret,
  phoneUserPassword: secret,
  timeServer: '10.77.0.1',
  settings: {},
}

/** One of each; another interval than the usual one. No extra lines: what those look like differs by vendor. */
export const sampleSettings: Readonly<Record<string, string>> = {
  timezone: 'Europe/Berlin',
  language: 'en',
  label: 'Sample line',
  voicemail: '*97',
  vlan: '66',
  firmware: 'https://firmware.example.com/phones/sample.rom',
  pollMinutes: '10080',
  emergencyNote: 'Sample street 1',
}
export const sampleValues: readonly FileValues[] = [
  { ...sample, settings: sampleSettings },
  { ...sample, caCertificate: null, clientCertificate: null, timeServer: null },
]

export const sampleBlanking: BlankingValues = { mac: '001122334455', filler: secret }
