/** Settings of the Asterisk driver: RINGFENCE_PBX=asterisk. */
import { Secret } from '../domain/secret.ts'
import { asteriskWord, type HostPort, quoted, type SettingReader, type TlsFiles } from '../setting-reader.ts'

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

export function readAsterisk(read: SettingReader, pbxAddress: string | null): AsteriskSettings {
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
