/** The manager interface of an Asterisk, whoever else looks after it. */
import { Secret } from '../domain/secret.ts'
import { asteriskWord, type HostPort, quoted, type SettingName, type SettingReader } from '../setting-reader.ts'

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

export function readWord({ text, wrong }: SettingReader, name: SettingName, fallback: string, what: string): string {
  const word = text(name) ?? fallback
  if (!asteriskWord.test(word))
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
