/** The settings RINGFENCE_PBX and RINGFENCE_PBX_*; what only one driver needs is read in pbx-settings/<driver>.ts. */
import { type AsteriskSettings, readAsterisk } from './pbx-settings/asterisk.ts'
import { type EdgeSettings, readEdge } from './pbx-settings/edge.ts'
import { asteriskWord, isHost, quoted, type SettingReader } from './setting-reader.ts'

export interface PbxSettings {
  readonly driver: string
  readonly address: string | null
  /** What handsets dial: the PBX's own place, or that of the edge in front of it. Media always goes to `address`. */
  readonly host: string
  readonly port: number
  readonly mtlsPort: number
  /** The PBX's own, whoever dials it. */
  readonly own: { readonly host: string; readonly port: number; readonly mtlsPort: number }
  readonly rtp: { readonly from: number; readonly to: number }
  readonly realm: string
  readonly asterisk: AsteriskSettings | null
  readonly edge: EdgeSettings | null
}

const drivers = ['manual', 'asterisk']

export function readPbx(read: SettingReader, demo: string[]): PbxSettings {
  const { text, port, wrong } = read
  const driver = (text('PBX') ?? 'manual').toLowerCase()
  if (!drivers.includes(driver))
    wrong('PBX', `${quoted(driver)} is not a PBX that Ringfence knows`, `one of ${drivers.join(', ')}`)
  const address = read.address(
    'PBX_ADDRESS',
    text('PBX_ADDRESS'),
    'the name that handsets use goes into RINGFENCE_PBX_HOST',
  )
  if (text('PBX_ADDRESS') === null) demo.push('RINGFENCE_PBX_ADDRESS is not set: there is no PBX behind the tunnels')
  const host = text('PBX_HOST') ?? address ?? 'pbx.example.invalid'
  if (!isHost(host)) wrong('PBX_HOST', `${quoted(host)} is not a host name`)
  else if (text('PBX_HOST') === null && address !== null)
    demo.push(
      'RINGFENCE_PBX_HOST is not set: handsets get the bare IP address, which softphones refuse in a certificate',
    )
  const rtpText = text('PBX_RTP') ?? '10000-20000'
  const [, from = 0, to = 0] = /^(\d{1,5})-(\d{1,5})$/.exec(rtpText)?.map(Number) ?? []
  if (from < 1 || to > 65_535 || from > to)
    wrong('PBX_RTP', `${quoted(rtpText)} is not a range of ports`, 'such as 10000-20000')
  const realm = text('PBX_REALM') ?? 'asterisk'
  if (!asteriskWord.test(realm))
    wrong('PBX_REALM', `${quoted(realm)} cannot be a digest realm`, 'letters, digits, dots and dashes')
  const own = { host, port: port('PBX_PORT', 5061), mtlsPort: port('PBX_MTLS_PORT', 5062) }
  if (driver === 'asterisk' && own.port === own.mtlsPort)
    wrong('PBX_MTLS_PORT', `${own.port} is RINGFENCE_PBX_PORT too`, 'each needs a transport of its own in Asterisk')
  const asterisk = driver === 'asterisk' ? readAsterisk(read, address) : null
  const edge = readEdge(read, { address, port: own.port })
  const dialled = edge ? { host: edge.host, port: edge.port, mtlsPort: edge.mtlsPort } : own
  return { driver, address, ...dialled, own, rtp: { from, to }, realm, asterisk, edge }
}
