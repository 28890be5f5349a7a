/** Settings of the Kamailio driver: RINGFENCE_PBX=kamailio. */
import { isIP } from 'node:net'
import { type HostPort, quoted, requireSettings, type SettingReader, type TlsFiles } from '../setting-reader.ts'
import { type DatabaseSettings, readDatabase } from './database.ts'

export interface KamailioSettings {
  /** Folder of the script, as seen from here and by Kamailio. */
  readonly configFolder: string
  readonly rpc: HostPort
  /** PEM of the authority behind the certificate that Kamailio shows there; null: the Service CA, or the system's. */
  readonly rpcAuthority: string | null
  readonly database: DatabaseSettings
  readonly bind: string
  /** As Kamailio sees them; null: Ringfence puts a certificate of its Service CA into the folder. */
  readonly tls: TlsFiles | null
  /** The Handset CA as Kamailio sees it; null: Ringfence puts it into the folder. */
  readonly caFile: string | null
}

export function readKamailio(read: SettingReader, pbxAddress: string | null): KamailioSettings {
  const { text, asteriskPath, wrong } = read
  const configFolder = asteriskPath('PBX_CONFIG_DIR') ?? ''
  requireSettings(read, 'kamailio', ['PBX_CONFIG_DIR'])
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
  const [port, mtlsPort] = [read.port('PBX_PORT', 5061), read.port('PBX_MTLS_PORT', 5062)]
  if (rpc.port === port || rpc.port === mtlsPort)
    wrong(
      'PBX_RPC',
      `port ${rpc.port} is ${rpc.port === port ? 'RINGFENCE_PBX_PORT' : 'RINGFENCE_PBX_MTLS_PORT'} too`,
      'Kamailio tells phones from Ringfence by the port: give each its own',
    )
  return {
    configFolder,
    rpc,
    rpcAuthority: read.pemFile('PBX_MANAGEMENT_CA_FILE'),
    database: readDatabase(read, asteriskPath('PBX_DATABASE') ?? `${configFolder}/accounts.db`),
    bind,
    tls: read.tlsFiles('PBX_TLS_CERT', 'PBX_TLS_KEY', asteriskPath),
    caFile: asteriskPath('PBX_CA_FILE'),
  }
}
