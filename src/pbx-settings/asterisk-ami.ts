/** The manager interface of an Asterisk, whoever else looks after it. */
import { Secret } from '../domain/secret.ts'
import { type HostPort, readWord, type SettingReader } from '../setting-reader.ts'

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
  return {
    ami: read.hostPort('PBX_AMI', { host: '127.0.0.1', port: 5038 }),
    amiTls: read.on('PBX_AMI_TLS'),
    amiUser: readWord(read, 'PBX_AMI_USER', 'ringfence', 'a manager user'),
    amiSecret: read.secretFile('PBX_AMI_SECRET_FILE') ?? new Secret(''),
    managementCa: read.pemFile('PBX_MANAGEMENT_CA_FILE'),
  }
}
