/**
 * The environment, read once into a frozen Config; every problem is reported together. docs/configuration.md lists the
 * names, and a test keeps that page and this file in step.
 */
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { resolve } from 'node:path'
import { addressOf, formatPrefix, hubAddress, overlap, parsePrefix } from './domain/address.ts'
import type { Problem } from './domain/parse.ts'
import { Secret } from './domain/secret.ts'
import { AppError } from './errors.ts'

export interface HostPort {
  readonly host: string
  readonly port: number
}

export interface Config {
  readonly dataFolder: string
  readonly logLevel: string
  /** Null: the embedded default, a passphrase file in the data folder. */
  readonly passphrase: Secret | null
  readonly console: HostPort & {
    readonly hosts: readonly string[]
    readonly allowPlain: boolean
    readonly tls: TlsFiles | null
  }
  readonly phoneDoor: HostPort & {
    readonly url: string
    readonly tls: 'off' | 'service-ca' | TlsFiles
    readonly trustedProxies: readonly string[]
    /** Inside the VPN; null where the host part is `off`. */
    readonly inTunnel: HostPort | null
  }
  readonly hub: {
    readonly interface: string
    readonly endpoint: string
    readonly listenPort: number
    readonly socket: string
    /** True: `ringfence hub` runs on its own, the server starts none. */
    readonly separate: boolean
    readonly dataFolder: string
    readonly subnets: readonly string[]
    readonly phoneSubnets: readonly string[]
    readonly masquerade: boolean
    readonly timeServers: readonly string[]
    readonly nameServers: readonly string[]
  }
  readonly pbx: {
    readonly driver: string
    readonly address: string | null
    readonly host: string
    readonly port: number
    readonly mtlsPort: number
    readonly rtp: { readonly from: number; readonly to: number }
    readonly realm: string
    readonly asterisk: AsteriskSettings | null
  }
  readonly timeServer: string | null
  /** For tests only, which cannot wait for the usual rhythm of sweeps: every lane at this one; null in earnest. */
  readonly sweepMs: number | null
  /** What is not configured and therefore only good for trying; empty in earnest. */
  readonly demo: readonly string[]
}

export interface TlsFiles {
  readonly certificateFile: string
  readonly keyFile: string
}

export interface AsteriskSettings {
  readonly configFolder: string
  readonly ami: HostPort
  readonly amiUser: string
  readonly amiSecret: Secret
  readonly context: string
  readonly bind: string
  /** As the PBX sees them; null: Ringfence puts a certificate of its Service CA into the config folder. */
  readonly tls: TlsFiles | null
  /** The Handset CA as the PBX sees it; null: Ringfence puts it into the config folder. */
  readonly caFile: string | null
}

type Environment = Readonly<Record<string, string | undefined>>

/** Every name there is, without the prefix; the CLI's own two are known so that they are no mistake. */
export const settingNames = [
  'DATA', 'LOG_LEVEL', 'PASSPHRASE', 'PASSPHRASE_FILE',
  'LISTEN', 'LISTEN_HOSTS', 'LISTEN_TLS_CERT', 'LISTEN_TLS_KEY', 'ALLOW_PLAIN_CONSOLE',
  'PHONE_LISTEN', 'PHONE_URL', 'PHONE_TLS', 'PHONE_TLS_CERT', 'PHONE_TLS_KEY', 'PHONE_TUNNEL_LISTEN', 'TRUSTED_PROXIES',
  'HUB_INTERFACE', 'HUB_ENDPOINT', 'HUB_PORT', 'HUB_SOCKET', 'HUB_DATA', 'HUB_SUBNET', 'PHONE_SUBNETS', 'HUB_MASQUERADE',
  'HUB_TIME_SERVERS', 'HUB_NAME_SERVERS', 'TIME_SERVER',
  'PBX', 'PBX_ADDRESS', 'PBX_HOST', 'PBX_PORT', 'PBX_MTLS_PORT', 'PBX_RTP', 'PBX_REALM',
  'PBX_CONFIG_DIR', 'PBX_AMI', 'PBX_AMI_USER', 'PBX_AMI_SECRET_FILE', 'PBX_CONTEXT', 'PBX_BIND', 'PBX_TLS_CERT', 'PBX_TLS_KEY', 'PBX_CA_FILE',
  'URL', 'TOKEN',
] as const // biome-ignore format: a table reads better in groups

type SettingName = (typeof settingNames)[number]

/** @throws AppError CONFIG_INVALID that lists every problem */
export function readConfig(env: Environment): Config {
  const problems: Problem[] = []
  const wrong = (name: SettingName, message: string, hint?: string) => {
    problems.push({ field: `RINGFENCE_${name}`, message, ...(hint ? { hint } : {}) })
  }
  const text = (name: SettingName): string | null => env[`RINGFENCE_${name}`]?.trim() || null
  const on = (name: SettingName): boolean => {
    const value = (text(name) ?? 'no').toLowerCase()
    if (['1', 'yes', 'true', 'on'].includes(value)) return true
    if (!['0', 'no', 'false', 'off'].includes(value)) wrong(name, `${JSON.stringify(value)} is neither yes nor no`)
    return false
  }
  const port = (name: SettingName, fallback: number): number => {
    const value = text(name)
    if (value === null) return fallback
    if (isPort(value)) return Number(value)
    wrong(name, `${JSON.stringify(value)} is not a port`, 'a number from 1 to 65535')
    return fallback
  }
  const hostPort = (name: SettingName, fallback: HostPort): HostPort => {
    const value = text(name)
    if (value === null) return fallback
    const parsed = splitHostPort(value)
    if (parsed) return parsed
    wrong(name, `${JSON.stringify(value)} is not host:port`, `such as ${fallback.host}:${fallback.port}`)
    return fallback
  }
  const ipList = (name: SettingName): string[] => {
    const list = split(text(name))
    for (const entry of list) if (!isIP(entry)) wrong(name, `${JSON.stringify(entry)} is not an IP address`)
    return list.filter((entry) => isIP(entry))
  }
  const prefixes = (name: SettingName, fallback: string): string[] =>
    split(text(name) ?? fallback).flatMap((entry) => {
      const prefix = parsePrefix(entry)
      if (prefix && entry.includes('/')) return [formatPrefix(prefix)]
      wrong(name, `${JSON.stringify(entry)} is not a subnet`, 'such as 10.77.0.0/16')
      return []
    })
  const tlsFiles = (cert: SettingName, key: SettingName): TlsFiles | null => {
    const [certificateFile, keyFile] = [text(cert), text(key)]
    if (certificateFile && keyFile) return { certificateFile, keyFile }
    if (certificateFile || keyFile)
      wrong(certificateFile ? key : cert, 'certificate and key go together; one of them is missing')
    return null
  }
  const secretFile = (name: SettingName): Secret | null => {
    const path = text(name)
    if (path === null) return null
    try {
      const secret = readFileSync(path, 'utf8').replace(/\r?\n$/, '')
      if (secret !== '') return new Secret(secret)
      wrong(name, `the file ${path} is empty`)
    } catch {
      wrong(name, `the file ${path} cannot be read`, 'check the path and that this user may read it')
    }
    return null
  }

  for (const name of Object.keys(env)) {
    if (
      name.startsWith('RINGFENCE_') &&
      !name.startsWith('RINGFENCE_TEST_') &&
      !(settingNames as readonly string[]).includes(name.slice(10))
    ) {
      problems.push({ field: name, message: 'there is no such setting', hint: 'docs/configuration.md lists them all' })
    }
  }

  const demo: string[] = []
  const dataFolder = resolve(text('DATA') ?? 'data')
  const consoleAt = hostPort('LISTEN', { host: '127.0.0.1', port: 8080 })
  const consoleTls = tlsFiles('LISTEN_TLS_CERT', 'LISTEN_TLS_KEY')
  const allowPlain = on('ALLOW_PLAIN_CONSOLE')
  if (!isLoopback(consoleAt.host) && !consoleTls && !allowPlain) {
    wrong(
      'LISTEN',
      `${consoleAt.host} can be reached from outside and has no TLS`,
      'keep 127.0.0.1 and use a tunnel, set RINGFENCE_LISTEN_TLS_CERT and _KEY, or, on a private network only, RINGFENCE_ALLOW_PLAIN_CONSOLE=yes',
    )
  }

  const doorAt = hostPort('PHONE_LISTEN', { host: '127.0.0.1', port: 8443 })
  const doorFiles = tlsFiles('PHONE_TLS_CERT', 'PHONE_TLS_KEY')
  const doorTls = (text('PHONE_TLS') ?? '').toLowerCase()
  if (doorTls !== '' && doorTls !== 'off')
    wrong(
      'PHONE_TLS',
      `${JSON.stringify(doorTls)} means nothing here`,
      'leave it out, or `off` behind a proxy that does TLS',
    )
  let url = text('PHONE_URL')
  if (url === null) {
    url = `https://${doorAt.host.includes(':') ? `[${doorAt.host}]` : doorAt.host}:${doorAt.port}`
    demo.push(`RINGFENCE_PHONE_URL is not set: invites point at ${url}`)
  } else if (!URL.canParse(url) || !/^https:\/\/[^/?#@]+(\/[^?#]*)?$/.test(url)) {
    wrong('PHONE_URL', `${JSON.stringify(url)} is not a public base URL`, 'such as https://phones.example.com')
  }
  url = url.replace(/\/+$/, '')

  const subnets = prefixes('HUB_SUBNET', '10.77.0.0/16')
  const phoneSubnets = prefixes('PHONE_SUBNETS', '10.78.0.0/16')
  for (const one of subnets) {
    for (const other of phoneSubnets) {
      if (overlap(parsePrefix(one)!, parsePrefix(other)!))
        wrong('PHONE_SUBNETS', `${other} overlaps RINGFENCE_HUB_SUBNET ${one}`, 'the two pools must be apart')
    }
  }
  for (const subnet of subnets) {
    const { family, length } = parsePrefix(subnet)!
    if (length > (family === 4 ? 29 : 125)) wrong('HUB_SUBNET', `${subnet} has no room for handsets`)
  }
  for (const subnet of phoneSubnets) {
    const { family, length } = parsePrefix(subnet)!
    if (family === 6 || length > 28) wrong('PHONE_SUBNETS', `${subnet} cannot be cut into /28 pieces of IPv4`)
  }
  const endpoint = hostPort('HUB_ENDPOINT', { host: '127.0.0.1', port: port('HUB_PORT', 51820) })
  if (text('HUB_ENDPOINT') === null)
    demo.push(
      `RINGFENCE_HUB_ENDPOINT is not set: tunnels dial ${formatHostPort(endpoint)}, which only this machine can reach`,
    )
  const hubInterface = text('HUB_INTERFACE') ?? 'ringfence0'
  if (!/^[A-Za-z0-9_=+.-]{1,15}$/.test(hubInterface))
    wrong(
      'HUB_INTERFACE',
      `${JSON.stringify(hubInterface)} is not an interface name`,
      '1 to 15 letters, digits or _=+.-',
    )
  const firstHubAddress = subnets[0] ? hubAddress(parsePrefix(subnets[0])!) : '10.77.0.1'
  const inTunnel =
    text('PHONE_TUNNEL_LISTEN')?.toLowerCase() === 'off'
      ? null
      : hostPort('PHONE_TUNNEL_LISTEN', { host: firstHubAddress, port: 8443 })

  const driver = (text('PBX') ?? 'manual').toLowerCase()
  if (!['manual', 'asterisk'].includes(driver))
    wrong('PBX', `${JSON.stringify(driver)} is not a PBX that Ringfence knows`, 'one of manual, asterisk')
  const address = text('PBX_ADDRESS')
  if (address !== null && !isIP(address))
    wrong(
      'PBX_ADDRESS',
      `${JSON.stringify(address)} is not an IP address`,
      'the name that handsets use goes into RINGFENCE_PBX_HOST',
    )
  if (address === null) demo.push('RINGFENCE_PBX_ADDRESS is not set: there is no PBX behind the tunnels')
  const host = text('PBX_HOST') ?? address ?? 'pbx.example.invalid'
  if (!/^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/.test(host) && !isIP(host))
    wrong('PBX_HOST', `${JSON.stringify(host)} is not a host name`)
  else if (text('PBX_HOST') === null && address !== null)
    demo.push(
      'RINGFENCE_PBX_HOST is not set: handsets get the bare IP address, which softphones refuse in a certificate',
    )
  const rtpText = text('PBX_RTP') ?? '10000-20000'
  const [from = '', to = ''] = rtpText.split('-')
  if (!isPort(from) || !isPort(to) || Number(from) > Number(to))
    wrong('PBX_RTP', `${JSON.stringify(rtpText)} is not a range of ports`, 'such as 10000-20000')
  const realm = text('PBX_REALM') ?? 'asterisk'
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(realm))
    wrong('PBX_REALM', `${JSON.stringify(realm)} cannot be a digest realm`, 'letters, digits, dots and dashes')

  let asterisk: AsteriskSettings | null = null
  if (driver === 'asterisk') {
    const needed = (name: SettingName): string => {
      const value = text(name)
      if (value === null)
        wrong(name, 'is needed with RINGFENCE_PBX=asterisk', 'docs/asterisk.md goes through the set-up')
      return value ?? ''
    }
    const amiSecret = secretFile('PBX_AMI_SECRET_FILE')
    if (text('PBX_AMI_SECRET_FILE') === null) needed('PBX_AMI_SECRET_FILE')
    asterisk = {
      configFolder: needed('PBX_CONFIG_DIR'),
      ami: hostPort('PBX_AMI', { host: '127.0.0.1', port: 5038 }),
      amiUser: text('PBX_AMI_USER') ?? 'ringfence',
      amiSecret: amiSecret ?? new Secret(''),
      context: text('PBX_CONTEXT') ?? 'from-internal',
      bind: text('PBX_BIND') ?? address ?? '0.0.0.0',
      tls: tlsFiles('PBX_TLS_CERT', 'PBX_TLS_KEY'),
      caFile: text('PBX_CA_FILE'),
    }
    if (!isIP(asterisk.bind)) wrong('PBX_BIND', `${JSON.stringify(asterisk.bind)} is not an IP address`)
    for (const value of [asterisk.context])
      if (!/^[A-Za-z0-9_-]{1,79}$/.test(value))
        wrong('PBX_CONTEXT', `${JSON.stringify(value)} is not a dialplan context`)
  }

  const timeServers = ipList('HUB_TIME_SERVERS')
  const timeServer = text('TIME_SERVER') ?? timeServers[0] ?? null
  if (timeServer !== null && !isIP(timeServer))
    wrong(
      'TIME_SERVER',
      `${JSON.stringify(timeServer)} is not an IP address`,
      'phones check certificates only once they have the time, so it must not depend on a name',
    )

  const logLevel = (text('LOG_LEVEL') ?? 'info').toLowerCase()
  if (!['debug', 'info', 'warn', 'error'].includes(logLevel))
    wrong('LOG_LEVEL', `${JSON.stringify(logLevel)} is not a level`, 'debug, info, warn or error')
  if (text('PASSPHRASE') && text('PASSPHRASE_FILE'))
    wrong('PASSPHRASE', 'and RINGFENCE_PASSPHRASE_FILE are both set; keep one')
  const passphrase = text('PASSPHRASE') ? new Secret(text('PASSPHRASE')!) : secretFile('PASSPHRASE_FILE')

  const sweepText = env.RINGFENCE_TEST_SWEEP_MS?.trim() || null
  if (sweepText !== null && !/^[1-9]\d{1,6}$/.test(sweepText))
    problems.push({ field: 'RINGFENCE_TEST_SWEEP_MS', message: 'is not a number of milliseconds from 10 on' })

  const config: Config = {
    dataFolder,
    logLevel,
    passphrase,
    console: { ...consoleAt, hosts: split(text('LISTEN_HOSTS')), allowPlain, tls: consoleTls },
    phoneDoor: {
      ...doorAt,
      url,
      tls: doorTls === 'off' ? 'off' : (doorFiles ?? 'service-ca'),
      trustedProxies: ipList('TRUSTED_PROXIES'),
      inTunnel,
    },
    hub: {
      interface: hubInterface,
      endpoint: formatHostPort(endpoint),
      listenPort: port('HUB_PORT', endpoint.port),
      socket: text('HUB_SOCKET') ?? `${dataFolder}/hub.sock`,
      separate: text('HUB_SOCKET') !== null,
      dataFolder: resolve(text('HUB_DATA') ?? `${dataFolder}/hub`),
      subnets,
      phoneSubnets,
      masquerade: on('HUB_MASQUERADE'),
      timeServers,
      nameServers: ipList('HUB_NAME_SERVERS'),
    },
    pbx: {
      driver,
      address,
      host,
      port: port('PBX_PORT', 5061),
      mtlsPort: port('PBX_MTLS_PORT', 5062),
      rtp: { from: Number(from), to: Number(to) },
      realm,
      asterisk,
    },
    timeServer,
    sweepMs: sweepText === null ? null : Number(sweepText),
    demo,
  }
  if (problems.length > 0) {
    throw new AppError(
      'CONFIG_INVALID',
      problems.length === 1 ? 'one setting is wrong' : `${problems.length} settings are wrong`,
      {
        hint: 'docs/configuration.md explains each setting',
        problems,
      },
    )
  }
  return Object.freeze(config)
}

/** What handsets may reach through their tunnel, as the AllowedIPs of their configuration (design 6). */
export function handsetAllowedIps(config: Config): string[] {
  const hubAddresses = config.hub.subnets.map((subnet) => hubAddress(parsePrefix(subnet)!))
  const reachable = [
    ...hubAddresses,
    ...(config.pbx.address ? [config.pbx.address] : []),
    ...config.hub.timeServers,
    ...config.hub.nameServers,
  ]
  return [...new Set(reachable.map((address) => `${addressOf(address)}/${isIP(address) === 6 ? 128 : 32}`))]
}

export function formatHostPort({ host, port }: HostPort): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}

function splitHostPort(value: string): HostPort | null {
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([^:[\]\s/]+)):(\d{1,5})$/.exec(value)
  const host = match?.[1] ?? match?.[2]
  if (!match || !host || !isPort(match[3]!) || (match[1] && isIP(match[1]) !== 6)) return null
  return { host, port: Number(match[3]) }
}

function split(value: string | null): string[] {
  return (value ?? '').split(/[\s,]+/).filter(Boolean)
}

function isPort(value: string): boolean {
  return /^\d{1,5}$/.test(value) && Number(value) >= 1 && Number(value) <= 65_535
}
