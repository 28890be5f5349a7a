/**
 * The environment, read once into a frozen Config; every problem is reported together. setting-reader.ts has the names;
 * docs/configuration.md explains each, and a test keeps the two in step.
 */
import { resolve } from 'node:path'
import { consoleUrl, type OidcSettings, readOidc } from './console-settings.ts'
import { contains, hubAddress, isLoopback, overlaps, parsePrefix } from './domain/address.ts'
import { Secret } from './domain/secret.ts'
import { timeZone } from './domain/time-zone.ts'
import { AppError } from './errors.ts'
import { readMail } from './mail-settings.ts'
import type { MailSettings } from './notify/mail-port.ts'
import { readStepReminder } from './pbx-settings/manual.ts'
import { type PbxSettings, readPbxs } from './pbx-settings.ts'
import {
  baseUrl,
  type Environment,
  formatHostPort,
  type HostPort,
  quoted,
  type SettingName,
  type SettingNote,
  type SettingReader,
  settingReader,
  splitList,
  type TlsFiles,
} from './setting-reader.ts'

export interface Config {
  readonly dataFolder: string
  /** In which times are printed and typed; null: the host's. */
  readonly timeZone: string | null
  /** Null: `warn` in a terminal, else `info`. */
  readonly logLevel: string | null
  /** Null: the embedded default, a passphrase file in the data folder. */
  readonly passphrase: Secret | null
  readonly console: HostPort & {
    readonly hosts: readonly string[]
    readonly allowPlain: boolean
    readonly tls: TlsFiles | null
    /** Without a path and a slash at its end: what stands in links to the console, and the origin of passkeys. */
    readonly url: string
  }
  /** Null: no single sign-on. */
  readonly oidc: OidcSettings | null
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
  /** At least one; the first is the usual one. */
  readonly pbxs: readonly PbxSettings[]
  /** Null: mails are not sent. */
  readonly mail: MailSettings | null
  readonly timeServer: string | null
  /** For tests only, which cannot wait for the usual rhythm of sweeps: every lane at this one; null in earnest. */
  readonly sweepMs: number | null
  /** A step that is open for longer is told of. */
  readonly stepReminderHours: number
  /** What is not configured and therefore only good for trying; empty in earnest. */
  readonly demo: readonly string[]
  /** What `doctor` tells of the settings although nothing is wrong with them. */
  readonly notes: readonly SettingNote[]
}

/**
 * @param files `unread` for the hub on its own: secrets and certificates are then empty
 * @throws AppError CONFIG_INVALID that lists every problem
 */
export function readConfig(env: Environment, files: 'read' | 'unread' = 'read'): Config {
  const read = settingReader(env, files)
  const { text, wrong } = read
  const demo: string[] = []

  const dataFolder = resolve(text('DATA') ?? 'data')
  if (Buffer.byteLength(`${dataFolder}/admin.sock`) > longestSocketPath)
    wrong('DATA', `makes the path of a socket longer than ${longestSocketPath} bytes`, 'choose a shorter path')
  const phoneDoor = readPhoneDoor(read, demo)
  const hub = readHub(read, dataFolder, demo)
  const pbxs = readPbxs(read, demo)
  const readers = [read, ...read.furtherPbxs().map((number) => read.ofPbx(number))]
  for (const [index, { address }] of pbxs.entries()) checkOutside(readers[index]!, 'PBX_ADDRESS', address, hub)
  const edge = pbxs[0]!.edge
  for (const [name, value] of [
    ['EDGE_ADDRESS', edge?.address ?? null],
    ...hub.timeServers.map((server) => ['HUB_TIME_SERVERS', server] as const),
    ...hub.nameServers.map((server) => ['HUB_NAME_SERVERS', server] as const),
  ] as const)
    checkOutside(read, name, value, hub)

  if (edge && hub.masquerade)
    wrong(
      'HUB_MASQUERADE',
      'hides the addresses of handsets from the SIP edge, which would refuse all of them',
      'set a route from the edge back to the subnets of the hub instead',
    )

  const logLevel = text('LOG_LEVEL')?.toLowerCase() ?? null
  if (logLevel !== null && !['debug', 'info', 'warn', 'error'].includes(logLevel))
    wrong('LOG_LEVEL', `${quoted(logLevel)} is not a level`, 'debug, info, warn or error')
  const zoneText = text('TIME_ZONE')
  const zone = zoneText === null ? null : timeZone(zoneText)
  if (zoneText !== null && zone === null)
    wrong('TIME_ZONE', `${quoted(zoneText)} is not a time zone`, 'the name of a zone, such as Europe/Berlin')
  const passphraseText = text('PASSPHRASE')
  if (passphraseText !== null && text('PASSPHRASE_FILE') !== null)
    wrong('PASSPHRASE', 'and RINGFENCE_PASSPHRASE_FILE are both set; keep one')
  const passphrase = passphraseText === null ? read.secretFile('PASSPHRASE_FILE') : new Secret(passphraseText)

  const sweepText = env.RINGFENCE_TEST_SWEEP_MS?.trim() || null
  if (sweepText !== null && !/^[1-9]\d{1,6}$/.test(sweepText))
    read.problems.push({ field: 'RINGFENCE_TEST_SWEEP_MS', message: 'is not a number of milliseconds from 10 on' })

  const config: Config = {
    dataFolder,
    logLevel,
    timeZone: zone,
    passphrase,
    console: readConsole(read),
    oidc: readOidc(read),
    phoneDoor: { ...phoneDoor, inTunnel: readTunnelDoor(read, hub) },
    hub,
    pbxs,
    mail: readMail(read),
    timeServer: read.address(
      'TIME_SERVER',
      text('TIME_SERVER') ?? hub.timeServers[0] ?? null,
      'phones check certificates only once they have the time, so it must not depend on a name',
    ),
    stepReminderHours: readStepReminder(read),
    sweepMs: sweepText === null ? null : Number(sweepText),
    demo,
    notes: read.notes,
  }
  const { problems } = read
  if (problems.length > 0) {
    throw new AppError(
      'CONFIG_INVALID',
      problems.length === 1 ? 'one setting is wrong' : `${problems.length} settings are wrong`,
      { hint: 'docs/configuration.md explains each setting', problems },
    )
  }
  return frozen(config)
}

/** Linux: sun_path of unix(7) has 108 bytes with the closing zero. */
const longestSocketPath = 107

function readConsole(read: SettingReader): Config['console'] {
  const { text, on, hostPort, tlsFiles, wrong } = read
  const at = hostPort('LISTEN', { host: '127.0.0.1', port: 8080 })
  const tls = tlsFiles('LISTEN_TLS_CERT', 'LISTEN_TLS_KEY')
  const allowPlain = on('ALLOW_PLAIN_CONSOLE')
  if (!isLoopback(at.host) && !tls && !allowPlain) {
    wrong(
      'LISTEN',
      `${at.host} can be reached from outside and has no TLS`,
      'keep 127.0.0.1 and use a tunnel, set RINGFENCE_LISTEN_TLS_CERT and _KEY, or, on a private network only, RINGFENCE_ALLOW_PLAIN_CONSOLE=yes',
    )
  }
  const url = consoleUrl(read, at, tls !== null)
  // The name in the address is one under which browsers open it; addresses and localhost are let through anyway.
  const { hostname } = new URL(url)
  const named = text('CONSOLE_URL') === null ? [] : [hostname]
  const hosts = [...new Set([...splitList(text('LISTEN_HOSTS')), ...named])]
  return { ...at, hosts, allowPlain, tls, url }
}

function readPhoneDoor(
  { text, hostPort, tlsFiles, addresses, wrong }: SettingReader,
  demo: string[],
): Omit<Config['phoneDoor'], 'inTunnel'> {
  const at = hostPort('PHONE_LISTEN', { host: '127.0.0.1', port: 8443 })
  const files = tlsFiles('PHONE_TLS_CERT', 'PHONE_TLS_KEY')
  const tls = (text('PHONE_TLS') ?? '').toLowerCase()
  if (tls === 'off' && files)
    wrong('PHONE_TLS', 'is off, but there is a certificate too', 'keep one: the proxy that does TLS, or the files')
  else if (tls !== '' && tls !== 'off')
    wrong('PHONE_TLS', `${quoted(tls)} means nothing here`, 'leave it out, or `off` behind a proxy that does TLS')
  const given = text('PHONE_URL')
  let url = `https://${formatHostPort(at)}`
  if (given === null) demo.push(`RINGFENCE_PHONE_URL is not set: invites point at ${url}`)
  else {
    const base = baseUrl(given)
    // Not repeated: it may hold a name and a password.
    if (/^http:/i.test(given))
      wrong('PHONE_URL', 'begins with http:, and has to be https:', 'https:// and the name in the certificate')
    else if (base === null)
      wrong('PHONE_URL', 'is not a public base URL', 'such as https://phones.example.com, with nothing after the path')
    else url = base
  }
  return {
    ...at,
    url,
    tls: tls === 'off' ? 'off' : (files ?? 'service-ca'),
    trustedProxies: addresses('TRUSTED_PROXIES'),
  }
}

function readTunnelDoor({ text, hostPort }: SettingReader, { subnets }: Config['hub']): HostPort | null {
  if (text('PHONE_TUNNEL_LISTEN')?.toLowerCase() === 'off') return null
  return hostPort('PHONE_TUNNEL_LISTEN', { host: hubAddresses(subnets)[0] ?? '10.77.0.1', port: 8443 })
}

function readHub(read: SettingReader, dataFolder: string, demo: string[]): Config['hub'] {
  const { text, port, hostPort, wrong } = read
  const subnets = read.subnets('HUB_SUBNET', '10.77.0.0/16')
  const phoneSubnets = read.subnets('PHONE_SUBNETS', '10.78.0.0/16')
  for (const one of subnets) {
    for (const other of phoneSubnets) {
      if (overlaps(one, other))
        wrong('PHONE_SUBNETS', `${other.text} overlaps RINGFENCE_HUB_SUBNET ${one.text}`, 'the two pools must be apart')
    }
  }
  if (text('HUB_SUBNET') !== null && splitList(text('HUB_SUBNET')).length === 0)
    wrong('HUB_SUBNET', 'names no subnet', 'such as 10.77.0.0/16')
  for (const subnet of subnets) {
    if (subnet.length > (subnet.family === 4 ? 29 : 125)) wrong('HUB_SUBNET', `${subnet.text} has no room for handsets`)
  }
  for (const subnet of phoneSubnets) {
    if (subnet.family === 6 || subnet.length > 28)
      wrong('PHONE_SUBNETS', `${subnet.text} cannot be cut into /28 pieces of IPv4`)
  }
  const listenPort = port('HUB_PORT', 51820)
  const endpoint = hostPort('HUB_ENDPOINT', { host: '127.0.0.1', port: listenPort })
  if (text('HUB_ENDPOINT') === null)
    demo.push(
      `RINGFENCE_HUB_ENDPOINT is not set: tunnels dial ${formatHostPort(endpoint)}, which only this machine can reach`,
    )
  const name = text('HUB_INTERFACE') ?? 'ringfence0'
  // As the hub itself has it (hub/hub-settings.ts): the name stands in file names and firewall rules.
  if (!/^[A-Za-z0-9_-]{1,15}$/.test(name))
    wrong('HUB_INTERFACE', `${quoted(name)} is not an interface name`, '1 to 15 letters, digits, _ or -')
  const socket = resolve(text('HUB_SOCKET') ?? `${dataFolder}/hub.sock`)
  if (text('HUB_SOCKET') !== null && Buffer.byteLength(socket) > longestSocketPath)
    wrong('HUB_SOCKET', `is longer than ${longestSocketPath} bytes`, 'choose a shorter path')
  return {
    interface: name,
    endpoint: formatHostPort(endpoint),
    // Another port than the endpoint's is fine: a router in front may translate.
    listenPort: text('HUB_PORT') === null ? endpoint.port : listenPort,
    socket,
    separate: text('HUB_SOCKET') !== null,
    dataFolder: resolve(text('HUB_DATA') ?? `${dataFolder}/hub`),
    subnets: subnets.map((subnet) => subnet.text),
    phoneSubnets: phoneSubnets.map((subnet) => subnet.text),
    masquerade: read.on('HUB_MASQUERADE'),
    timeServers: read.addresses('HUB_TIME_SERVERS'),
    nameServers: read.addresses('HUB_NAME_SERVERS'),
  }
}

/** What handsets reach through the hub must lie outside of what it hands out; on the hub itself it may be. */
function checkOutside(
  { wrong }: SettingReader,
  name: SettingName,
  value: string | null,
  { subnets, phoneSubnets }: Config['hub'],
): void {
  if (value === null || hubAddresses(subnets).includes(value)) return
  const place = parsePrefix(value)!
  const pool = [...subnets, ...phoneSubnets].find((subnet) => contains(parsePrefix(subnet)!, place))
  if (pool)
    wrong(name, `${value} lies in ${pool}, which is handed out to handsets`, 'choose another subnet for the hub')
}

function hubAddresses(subnets: readonly string[]): string[] {
  return subnets.map((subnet) => hubAddress(parsePrefix(subnet)!))
}

/** All the way down. Secrets keep their text in a private field, which freezing does not touch. */
function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  for (const part of Object.values(value)) frozen(part)
  return Object.freeze(value)
}
