/** The settings RINGFENCE_PBX and RINGFENCE_PBX_*. */
import { Secret } from './domain/secret.ts'
import { asteriskWord, type HostPort, isHost, quoted, type SettingReader, type TlsFiles } from './setting-reader.ts'

export interface PbxSettings {
  readonly driver: string
  readonly address: string | null
  readonly host: string
  readonly port: number
  readonly mtlsPort: number
  readonly rtp: { readonly from: number; readonly to: number }
  readonly realm: string
  readonly asterisk: AsteriskSettings | null
}

export interface AsteriskSettings {
  readonly configFolder: string
  readonly ami: HostPort
  /** Checked against the system's authorities and the host's name. */
  readonly amiTls: boolean
  readonly amiUser: string
  readonly amiSecret: Secret
  readonly context: string
  readonly bind: string
  /** As the PBX sees them; null: Ringfence puts a certificate of its Service CA into the config folder. */
  readonly tls: TlsFiles | null
  /** The Handset CA as the PBX sees it; null: Ringfence puts it into the config folder. */
  readonly caFile: string | null
}

export function readPbx(read: SettingReader, demo: string[]): PbxSettings {
  const { text, port, wrong } = read
  const driver = (text('PBX') ?? 'manual').toLowerCase()
  if (!['manual', 'asterisk'].includes(driver))
    wrong('PBX', `${quoted(driver)} is not a PBX that Ringfence knows`, 'one of manual, asterisk')
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
  const ports = { port: port('PBX_PORT', 5061), mtlsPort: port('PBX_MTLS_PORT', 5062) }
  if (driver === 'asterisk' && ports.port === ports.mtlsPort)
    wrong('PBX_MTLS_PORT', `${ports.port} is RINGFENCE_PBX_PORT too`, 'each needs a transport of its own in Asterisk')
  const asterisk = driver === 'asterisk' ? readAsterisk(read, address) : null
  return { driver, address, host, ...ports, rtp: { from, to }, realm, asterisk }
}

function readAsterisk(read: SettingReader, pbxAddress: string | null): AsteriskSettings {
  const { text, hostPort, asteriskPath, wrong } = read
  for (const name of ['PBX_CONFIG_DIR', 'PBX_AMI_SECRET_FILE'] as const) {
    if (text(name) === null)
      wrong(name, 'is needed with RINGFENCE_PBX=asterisk', 'docs/asterisk.md goes through the set-up')
  }
  const [amiUser, context] = [text('PBX_AMI_USER') ?? 'ringfence', text('PBX_CONTEXT') ?? 'from-internal']
  if (!asteriskWord.test(amiUser))
    wrong('PBX_AMI_USER', `${quoted(amiUser)} is not a manager user`, 'letters, digits, dots, dashes and underscores')
  if (!asteriskWord.test(context))
    wrong(
      'PBX_CONTEXT',
      `${quoted(context)} is not a dialplan context`,
      'letters, digits, dots, dashes and underscores',
    )
  return {
    configFolder: asteriskPath('PBX_CONFIG_DIR') ?? '',
    ami: hostPort('PBX_AMI', { host: '127.0.0.1', port: 5038 }),
    amiTls: read.on('PBX_AMI_TLS'),
    amiUser,
    amiSecret: read.secretFile('PBX_AMI_SECRET_FILE') ?? new Secret(''),
    context,
    bind: read.address('PBX_BIND', text('PBX_BIND')) ?? pbxAddress ?? '0.0.0.0',
    tls: read.tlsFiles('PBX_TLS_CERT', 'PBX_TLS_KEY', asteriskPath),
    caFile: asteriskPath('PBX_CA_FILE'),
  }
}
