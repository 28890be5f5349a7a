/** Settings of the SIP edge: RINGFENCE_EDGE_*. With RINGFENCE_EDGE_ADDRESS phones dial it instead of the PBX. */
import { contains, isLoopback, parsePrefix } from '../domain/address.ts'
import { Secret } from '../domain/secret.ts'
import {
  type HostPort,
  isHost,
  quoted,
  type SettingName,
  type SettingReader,
  splitList,
  type TlsFiles,
} from '../setting-reader.ts'
import type { DriverSettings } from './driver-settings.ts'

export interface EdgeSettings {
  readonly address: string
  /** The name that handsets dial. */
  readonly host: string
  /** TLS, server certificate only. */
  readonly port: number
  /** TLS, client certificate required. */
  readonly mtlsPort: number
  /** TLS, where the PBX delivers calls. */
  readonly pbxPort: number
  readonly rpc: HostPort
  readonly rpcSecret: Secret
  /** What Ringfence keeps in step there; the same path for both. */
  readonly folder: string
  /** As the edge sees them; null: of Ringfence's Service CA. */
  readonly tls: TlsFiles | null
  /** The authority behind the PBX's certificate, as the edge sees it; null: nobody named one. */
  readonly pbxCaFile: string | null
  /** Numbers of the PBX that are internal beside the extensions that Ringfence knows: `1xxx`, an x for any digit. */
  readonly internalNumbers: readonly string[]
}

const others: readonly SettingName[] = [
  'EDGE_HOST', 'EDGE_PORT', 'EDGE_MTLS_PORT', 'EDGE_PBX_PORT', 'EDGE_RPC', 'EDGE_RPC_SECRET_FILE', 'EDGE_DIR', 'EDGE_TLS_CERT', 'EDGE_TLS_KEY', 'EDGE_PBX_CA_FILE', 'EDGE_INTERNAL_NUMBERS',
] // biome-ignore format: a list reads better in one line

/** Where the key may travel: RFC 1918 and RFC 4193, beside loopback. */
const privateRanges = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7']

/** Null: phones dial the PBX itself. */
export function readEdge(read: SettingReader, pbx: { readonly address: string | null; readonly port: number }) {
  const { text, wrong } = read
  const address = read.address(
    'EDGE_ADDRESS',
    text('EDGE_ADDRESS'),
    'the name that handsets use goes into RINGFENCE_EDGE_HOST',
  )
  if (address === null) {
    for (const name of others)
      if (text(name) !== null && text('EDGE_ADDRESS') === null)
        wrong(name, 'is set, but there is no RINGFENCE_EDGE_ADDRESS', 'set that too, or leave both out')
    return null
  }
  for (const name of ['EDGE_RPC_SECRET_FILE', 'EDGE_DIR'] as const)
    if (text(name) === null)
      wrong(name, 'is needed with RINGFENCE_EDGE_ADDRESS', 'docs/edge.md goes through the set-up')
  if (pbx.address === null) wrong('EDGE_ADDRESS', 'is set, but there is no RINGFENCE_PBX_ADDRESS behind it')
  const host = text('EDGE_HOST') ?? address
  if (!isHost(host)) wrong('EDGE_HOST', `${quoted(host)} is not a host name`)
  const settings: EdgeSettings = {
    address,
    host,
    port: read.port('EDGE_PORT', 5061),
    mtlsPort: read.port('EDGE_MTLS_PORT', 5062),
    pbxPort: read.port('EDGE_PBX_PORT', 5063),
    rpc: read.hostPort('EDGE_RPC', { host: '127.0.0.1', port: 5064 }),
    rpcSecret: read.secretFile('EDGE_RPC_SECRET_FILE') ?? new Secret(''),
    folder: read.asteriskPath('EDGE_DIR') ?? '',
    tls: read.tlsFiles('EDGE_TLS_CERT', 'EDGE_TLS_KEY', read.asteriskPath),
    pbxCaFile: read.asteriskPath('EDGE_PBX_CA_FILE'),
    internalNumbers: readInternalNumbers(read),
  }
  const { rpc, rpcSecret } = settings
  const at = parsePrefix(rpc.host)
  if (/^(0\.0\.0\.0|::)$/.test(rpc.host))
    wrong(
      'EDGE_RPC',
      `${rpc.host} is every address of the machine`,
      'one address: 127.0.0.1, or one in a private network',
    )
  else if (at === null) wrong('EDGE_RPC', `${quoted(rpc.host)} is not an IP address`, 'such as 127.0.0.1:5064')
  else if (!isLoopback(rpc.host) && !privateRanges.some((range) => contains(parsePrefix(range)!, at)))
    wrong('EDGE_RPC', `${rpc.host} is a public address`, 'keep it on loopback or in a private network')
  const secret = rpcSecret.reveal()
  if (secret !== '' && secret.length < 20)
    wrong(
      'EDGE_RPC_SECRET_FILE',
      'names a file with a secret of less than 20 characters',
      'such as from: openssl rand -hex 32',
    )
  refuseSharedPorts(read, settings, pbx)
  return settings
}

/** Where Ringfence wrote the transport that the edge dials, with a certificate of its own Service CA. */
export function showsOurCertificate(driven: DriverSettings): boolean {
  return driven.kind === 'asterisk' && driven.configFolder !== null && driven.tls === null
}

export function noteUnchecked({ note }: SettingReader, { pbxCaFile }: EdgeSettings, driven: DriverSettings): void {
  if (pbxCaFile === null && !showsOurCertificate(driven))
    note(
      'the edge does not check the certificate of the PBX: nobody said which authority is behind it',
      'name its file in RINGFENCE_EDGE_PBX_CA_FILE, then `ringfence edge --out DIR` and restart Kamailio (docs/edge.md)',
    )
}

/** Short, so that no telephone number becomes an internal one by mistake. */
function readInternalNumbers({ text, wrong }: SettingReader): readonly string[] {
  const entries = splitList(text('EDGE_INTERNAL_NUMBERS')?.toLowerCase() ?? null)
  for (const entry of entries)
    if (!/^[0-9x*#]{1,8}$/.test(entry))
      wrong(
        'EDGE_INTERNAL_NUMBERS',
        `${quoted(entry)} does not name internal numbers`,
        'up to eight digits with an x for any digit, such as 1xxx for 1000 to 1999',
      )
  return entries
}

function refuseSharedPorts(
  { wrong }: SettingReader,
  { address, port, mtlsPort, pbxPort, rpc }: EdgeSettings,
  pbx: { readonly address: string | null; readonly port: number },
): void {
  const own = [port, mtlsPort, pbxPort, ...(rpc.host === address ? [rpc.port] : [])]
  const named = [
    ['EDGE_PORT', port],
    ['EDGE_MTLS_PORT', mtlsPort],
    ['EDGE_PBX_PORT', pbxPort],
  ] as const
  for (const [at, [name, value]] of named.entries()) {
    const other = named.slice(0, at).find(([, before]) => before === value)
    if (other) wrong(name, `${value} is RINGFENCE_${other[0]} too`, 'each port of the edge has a purpose of its own')
  }
  // The script tells the sides apart by the port alone.
  const taken = named.find(([, value]) => value === rpc.port)
  if (taken) wrong('EDGE_RPC', `port ${rpc.port} is RINGFENCE_${taken[0]} too`, 'give one of them another')
  if (pbx.address === address && own.includes(pbx.port))
    wrong('EDGE_PORT', `the PBX has port ${pbx.port} at the same address`, 'give one of them another port')
}
