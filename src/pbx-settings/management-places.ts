/** Where Ringfence looks after a PBX: two of them at one place would each remove what the other one made. */
import { isLoopback } from '../domain/address.ts'
import type { Secret } from '../domain/secret.ts'
import type { HostPort, SettingName } from '../setting-reader.ts'
import type { AsteriskSettings } from './asterisk.ts'
import type { FreepbxSettings } from './freepbx.ts'
import type { FreeswitchSettings } from './freeswitch.ts'
import type { HttpApiSettings } from './http-api.ts'
import type { KamailioSettings } from './kamailio.ts'

interface Managed {
  readonly asterisk: AsteriskSettings | null
  readonly freepbx: FreepbxSettings | null
  readonly freeswitch: FreeswitchSettings | null
  readonly kamailio: KamailioSettings | null
  readonly api: HttpApiSettings | null
}

/** `place` is to be compared, never shown: a database's URL may be in it. */
export interface ManagementPlace {
  readonly setting: SettingName
  readonly place: string
}

export function managementPlaces({ asterisk, freepbx, freeswitch, kamailio, api }: Managed): ManagementPlace[] {
  const accounts = asterisk?.accounts
  const web = accounts?.kind === 'ari' ? accounts.origin : null
  const database = accounts?.kind === 'realtime' ? accounts.database : kamailio?.database
  const found: readonly (readonly [SettingName, string | null | undefined])[] = [
    ['PBX_AMI', socket((asterisk ?? freepbx)?.ami)],
    ['PBX_ESL', socket(freeswitch?.eventSocket)],
    ['PBX_RPC', socket(kamailio?.rpc)],
    ['PBX_ARI', web === null ? null : website(web)],
    ['PBX_API_URL', website(freepbx?.origin ?? api?.origin)],
    [
      database && 'postgres' in database ? 'PBX_DATABASE_URL_FILE' : 'PBX_DATABASE',
      database && databasePlace(database),
    ],
  ]
  return found.flatMap(([setting, place]) => (place ? [{ setting, place }] : []))
}

function socket(at: HostPort | undefined): string | null {
  return at ? `${machine(at.host)} ${at.port}` : null
}

function website(address: string | undefined): string | null {
  const url = address === undefined ? null : URL.parse(address)
  return url && `${machine(url.hostname)} ${url.port || url.protocol}`
}

function databasePlace(database: { readonly sqlite: string } | { readonly postgres: Secret }): string | null {
  if ('sqlite' in database) return database.sqlite
  const url = URL.parse(database.postgres.reveal().replace('@/', '@localhost/'))
  if (url === null) return null
  const host = url.searchParams.getAll('host').at(-1) || url.hostname
  return `${machine(host)} ${url.searchParams.getAll('port').at(-1) || url.port || 5432} ${url.pathname}`
}

function machine(host: string): string {
  const bare = host.replace(/^\[|\]$/g, '').toLowerCase()
  return bare === '' || isLoopback(bare) ? 'localhost' : bare
}
