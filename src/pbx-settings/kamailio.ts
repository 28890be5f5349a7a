/** Settings of the Kamailio driver: RINGFENCE_PBX=kamailio. */
import { isIP } from 'node:net'
import type { Secret } from '../domain/secret.ts'
import { type HostPort, quoted, type SettingReader, type TlsFiles } from '../setting-reader.ts'
import { readPostgres } from './postgres.ts'

export interface KamailioSettings {
  /** Folder of the script, as seen from here and by Kamailio. */
  readonly configFolder: string
  readonly rpc: HostPort
  /** PEM of the authority behind the certificate that Kamailio shows there; null: the Service CA, or the system's. */
  readonly rpcAuthority: string | null
  readonly database: { readonly sqlite: string } | { readonly postgres: Secret }
  readonly bind: string
  /** As Kamailio sees them; null: Ringfence puts a certificate of its Service CA into the folder. */
  readonly tls: TlsFiles | null
  /** The Handset CA as Kamailio sees it; null: Ringfence puts it into the folder. */
  readonly caFile: string | null
}

export function readKamailio(read: SettingReader, pbxAddress: string | null): KamailioSettings {
  const { text, asteriskPath, wrong } = read
  const configFolder = asteriskPath('PBX_CONFIG_DIR') ?? ''
  if (text('PBX_CONFIG_DIR') === null)
    wrong('PBX_CONFIG_DIR', 'is needed with RINGFENCE_PBX=kamailio', 'docs/kamailio.md goes through the set-up')
  const bind = read.address('PBX_BIND', text('PBX_BIND')) ?? pbxAddress ?? ''
  if (!isIP(bind) || bind === '0.0.0.0' || bind === '::')
    wrong(
      'PBX_BIND',
      'must be one address of the machine that Kamailio runs on, or RINGFENCE_PBX_ADDRESS be set',
      'Kamailio tells its two ports apart by address and port, so it cannot listen on every address',
    )
  const rpc = read.hostPort('PBX_RPC', { host: '127.0.0.1', port: 5068 })
  if (!isIP(rpc.host))
    wrong('PBX_RPC', `${quoted(rpc.host)} is not an IP address`, 'Kamailio listens there: an address of its machine')
  return {
    configFolder,
    rpc,
    rpcAuthority: read.pemFile('PBX_MANAGEMENT_CA_FILE'),
    database: readDatabase(read, configFolder),
    bind,
    tls: read.tlsFiles('PBX_TLS_CERT', 'PBX_TLS_KEY', asteriskPath),
    caFile: asteriskPath('PBX_CA_FILE'),
  }
}

function readDatabase(read: SettingReader, folder: string): KamailioSettings['database'] {
  const { text, wrong } = read
  const url = readPostgres(read)
  if (text('PBX_DATABASE') !== null && text('PBX_DATABASE_URL_FILE') !== null)
    wrong('PBX_DATABASE', 'is set, but RINGFENCE_PBX_DATABASE_URL_FILE is too', 'a file or a PostgreSQL, not both')
  if (url === null) return { sqlite: read.asteriskPath('PBX_DATABASE') ?? `${folder}/accounts.db` }
  return { postgres: url }
}
