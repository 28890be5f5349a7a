/** Settings of the drivers that speak to a management interface over HTTPS: RINGFENCE_PBX=3cx and =yeastar. */
import { Secret } from '../domain/secret.ts'
import { quoted, requireSettings, type SettingReader } from '../setting-reader.ts'
import { readWebAddress } from './web-address.ts'

export interface HttpApiSettings {
  readonly origin: string
  /** PEM; null: the system's authorities. */
  readonly ca: string | null
  readonly clientId: string
  readonly clientSecret: Secret
}

/** Each maker's usual port. */
const examples = { '3cx': 'https://pbx.example.com:5001', yeastar: 'https://pbx.example.com:8088' } as const

export function readHttpApi(read: SettingReader, driver: keyof typeof examples): HttpApiSettings {
  const { text, wrong } = read
  requireSettings(read, driver, ['PBX_API_URL', 'PBX_API_CLIENT', 'PBX_API_SECRET_FILE'])
  const [given, client] = [text('PBX_API_URL'), text('PBX_API_CLIENT') ?? '']
  const origin = given && readWebAddress(read, 'PBX_API_URL', { given, plain: 'nowhere', example: examples[driver] })
  if (client !== '' && !/^[\x21-\x7e]{1,100}$/.test(client))
    wrong('PBX_API_CLIENT', `${quoted(client)} is not the name of an API client`, 'as the PBX shows it')
  return {
    origin: origin ?? '',
    ca: read.pemFile('PBX_MANAGEMENT_CA_FILE'),
    clientId: client,
    clientSecret: read.secretFile('PBX_API_SECRET_FILE') ?? new Secret(''),
  }
}
