/** The manager interface of an Asterisk, whoever else looks after it. */
import { isLoopback } from '../domain/address.ts'
import { Secret } from '../domain/secret.ts'
import { type HostPort, quoted, readWord, type SettingReader } from '../setting-reader.ts'

export interface ManagerSettings {
  readonly ami: HostPort
  /** Checked against `managementCa` and the host's name. */
  readonly amiTls: boolean
  readonly amiUser: string
  readonly amiSecret: Secret
  /** PEM of the authority of the PBX's management interfaces; null: the system's authorities. */
  readonly managementCa: string | null
}

export function readManager(read: SettingReader): ManagerSettings {
  const ami = read.hostPort('PBX_AMI', { host: '127.0.0.1', port: 5038 })
  const amiTls = read.on('PBX_AMI_TLS')
  if (!amiTls && !isLoopback(ami.host))
    read.wrong(
      'PBX_AMI',
      `${quoted(ami.host)} would be spoken to without TLS: passwords and commands could be read and changed on the way`,
      'set RINGFENCE_PBX_AMI_TLS=yes (manager.conf: tlsenable, tlscertfile), or bring it here by a tunnel and name 127.0.0.1',
    )
  return {
    ami,
    amiTls,
    amiUser: readWord(read, 'PBX_AMI_USER', 'ringfence', 'a manager user'),
    amiSecret: read.secretFile('PBX_AMI_SECRET_FILE') ?? new Secret(''),
    managementCa: read.pemFile('PBX_MANAGEMENT_CA_FILE'),
  }
}
