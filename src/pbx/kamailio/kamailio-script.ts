import { createHash } from 'node:crypto'
import { usable } from '../usable-option.ts'
import { kamailioCallLimits, kamailioCallParameters } from './kamailio-call-limits.ts'
import { kamailioCallRules } from './kamailio-call-rules.ts'
import { kamailioConnectionParameters, kamailioConnections } from './kamailio-connections.ts'
import type { KamailioOptions, RegistrarPorts } from './kamailio-options.ts'
import { registrarRoutes } from './kamailio-routes.ts'
import { kamailioTransfers } from './kamailio-transfers.ts'

/**
 * The files of a Kamailio that is nothing but our registrar. A whole script and not a piece to be included: that a denied
 * certificate is looked at before anything else, that no path leads around the login, that a call inside a dialog belongs
 * to one, are properties of the whole, and in somebody else's script nobody could promise them. What is the admin's own
 * (next hop, database, more modules) stands in local.cfg, which Ringfence never touches.
 *
 * Pure: the same settings give the same bytes.
 */
export const scriptFile = 'kamailio.cfg'
const tlsFile = 'tls.cfg'
export const listFile = 'handsets-crl.pem'

export interface Script {
  /** Stands in the script and is told by the Kamailio that runs it. */
  readonly fingerprint: string
  readonly files: ReadonlyMap<string, string>
}

/** @throws AppError CONFIG_INVALID for settings that would break the script or its meaning. */
export function registrarScript(options: KamailioOptions): Script {
  requireUsable(options)
  const secretHash = createHash('sha256').update(`Bearer ${options.rpc.secret.reveal()}`).digest('hex')
  const tls = tlsText(options)
  const frame = frameText(options)
  const routes = registrarRoutes({
    realm: options.realm,
    mtlsPort: options.mtlsPort,
    rpcPort: options.rpc.port,
    secretHash,
  })
  const rules = `${kamailioCallRules}${kamailioCallLimits}${kamailioTransfers}`
  const fingerprint = createHash('sha256').update([frame, routes, rules, tls].join('\0')).digest('hex').slice(0, 16)
  const script = `#!KAMAILIO
# Written by Ringfence. Changes here are overwritten; yours go into local.cfg beside this file (docs/kamailio.md).
#!substdef "!RINGFENCE_SCRIPT!${fingerprint}!g"
${frame}
${routes}
${rules}`
  return {
    fingerprint,
    files: new Map([
      [tlsFile, tls],
      [scriptFile, script],
    ]),
  }
}

/** One profile for each port. The default is the strict one: a port that nobody thought of lets nobody in. */
function tlsText(options: KamailioOptions): string {
  const { bindAddress, port, certificateFile, keyFile, handsetCaFile, folder, rpc } = options
  const server = `method = TLSv1.2+
certificate = ${certificateFile}
private_key = ${keyFile}`
  const places = [
    `${bracketed(bindAddress)}:${port}`,
    // Whoever asks questions is known by a secret.
    ...(rpc.tls ? [`${bracketed(rpc.host)}:${rpc.port}`] : []),
  ]
  return `# Written by Ringfence. Changes here are overwritten.
[server:default]
${server}
ca_list = ${handsetCaFile}
crl = ${folder}/${listFile}
verify_certificate = yes
require_certificate = yes
verify_depth = 2

${places.map((place) => `[server:${place}]\n${server}\nverify_certificate = no\nrequire_certificate = no\n`).join('\n')}
[client:default]
method = TLSv1.2+
ca_list = ${handsetCaFile}
verify_certificate = yes
require_certificate = yes
`
}

function frameText(options: KamailioOptions): string {
  const { bindAddress, port, mtlsPort, rpc, folder, database } = options
  const address = bracketed(bindAddress)
  const kind = 'sqlite' in database ? 'sqlite' : 'postgres'
  const modules =
    `tm sl rr pv maxfwd textops siputils xlog kex corex tls tcpops uac db_${kind} auth auth_db usrloc registrar nathelper htable dialog sqlops xhttp jsonrpcs`.split(
      ' ',
    )
  // PostgreSQL's URL holds a password, of a role that may only read, and Ringfence need not know it.
  const url =
    'sqlite' in database
      ? `#!ifndef RINGFENCE_DATABASE\n#!substdef "!RINGFENCE_DATABASE!sqlite:///${database.sqlite}!g"\n#!endif\n`
      : ''
  return `
import_file "local.cfg"
${url}
children = 4
${kamailioConnections}tcp_max_connections = 8192
tls_max_connections = 8192
server_header = "Server: Kamailio"
user_agent_header = "User-Agent: Kamailio"
listen = tls:${address}:${port}
listen = tls:${address}:${mtlsPort}
listen = ${rpc.tls ? 'tls' : 'tcp'}:${bracketed(rpc.host)}:${rpc.port}

${modules.map((name) => `loadmodule "${name}.so"`).join('\n')}

modparam("tls", "config", "${folder}/${tlsFile}")
${kamailioConnectionParameters}modparam("auth_db", "db_url", "RINGFENCE_DATABASE")
modparam("auth_db", "version_table", 0)
modparam("auth_db", "calculate_ha1", 0)
modparam("auth_db", "password_column", "ha1")
modparam("auth_db", "load_credentials", "")
modparam("sqlops", "sqlcon", "ringfence=>RINGFENCE_DATABASE")
modparam("usrloc", "db_mode", 0)
modparam("usrloc", "handle_lost_tcp", 1)
modparam("usrloc", "timer_interval", 10)
modparam("registrar", "min_expires", 60)
modparam("registrar", "max_expires", 3600)
modparam("registrar", "default_expires", 600)
modparam("registrar", "xavp_cfg", "reg")
modparam("registrar|nathelper", "received_avp", "$avp(received)")
modparam("rr", "enable_full_lr", 1)
# Only the caller's name is replaced, which no dialog is known by.
modparam("uac", "restore_mode", "none")
# Serials (decimal) that are refused whatever the revocation list says; from the database, so that they outlive a restart.
modparam("htable", "db_url", "RINGFENCE_DATABASE")
modparam("htable", "htable", "ringfence_denied=>size=12;dbtable=ringfence_denied;")
# Which certificate came over which connection.
modparam("htable", "htable", "ringfence_connection=>size=12;autoexpire=86400;")
# What Ringfence notes about this running Kamailio.
modparam("htable", "htable", "ringfence_note=>size=4;")
${kamailioCallParameters('')}`
}

function requireUsable(options: RegistrarPorts & Pick<KamailioOptions, 'folder' | 'rpc' | 'database'>): void {
  const { realm, bindAddress, certificateFile, keyFile, handsetCaFile, folder, rpc, database } = options
  const must = usable(
    'Kamailio',
    'an address is one of the machine itself; names are letters, digits, dot, dash and underscore',
  )
  must.word('realm', realm)
  for (const host of [bindAddress, rpc.host]) must.address('address', host)
  if (/^(0\.0\.0\.0|::)$/.test(bindAddress)) throw must.unusable('address', bindAddress)
  const files = 'sqlite' in database ? [database.sqlite] : []
  for (const path of [certificateFile, keyFile, handsetCaFile, folder, ...files]) must.path(path)
  const ports = [options.port, options.mtlsPort, rpc.port]
  for (const port of ports) must.port(port)
  if (new Set(ports).size !== ports.length) throw must.unusable('port', `${ports.join(', ')}: two are the same`)
}

function bracketed(address: string): string {
  return address.includes(':') ? `[${address}]` : address
}
