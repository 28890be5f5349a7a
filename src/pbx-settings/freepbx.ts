/** Settings of the FreePBX driver: RINGFENCE_PBX=freepbx. */
import { Secret } from '../domain/secret.ts'
import { requireSettings, type SettingReader } from '../setting-reader.ts'
import { type ManagerSettings, readManager } from './asterisk-ami.ts'
import { readWebAddress } from './web-address.ts'

export interface FreepbxSettings extends ManagerSettings {
  /** Its web interface: `https://pbx.example.com`. */
  readonly origin: string
  readonly clientId: string
  readonly clientSecret: Secret
}

export function readFreepbx(read: SettingReader): FreepbxSettings {
  const { text } = read
  requireSettings(read, 'freepbx', ['PBX_API_URL', 'PBX_API_CLIENT', 'PBX_API_SECRET_FILE', 'PBX_AMI_SECRET_FILE'])
  const given = text('PBX_API_URL')
  const origin =
    given && readWebAddress(read, 'PBX_API_URL', { given, plain: 'here', example: 'https://pbx.example.com' })
  return {
    ...readManager(read),
    origin: origin ?? '',
    clientId: text('PBX_API_CLIENT') ?? '',
    clientSecret: read.secretFile('PBX_API_SECRET_FILE') ?? new Secret(''),
  }
}
