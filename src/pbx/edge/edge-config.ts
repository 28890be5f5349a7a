import { isIP } from 'node:net'
import { kamailioCallParameters } from '../kamailio/kamailio-call-limits.ts'
import { kamailioConnectionParameters, kamailioConnections } from '../kamailio/kamailio-connections.ts'
import { usable } from '../usable-option.ts'
import { type EdgeOptions, edgeFiles, socketText } from './edge-options.ts'
import { edgeScript, fingerprintOf } from './edge-script.ts'
import { edgeTables, spentTable } from './edge-tables.ts'

const must = usable('the edge', 'docs/edge.md goes through the settings')

/**
 * The configuration of a Kamailio 5.6 or newer as the edge: pure, the same options give the same bytes. No secret stands in it.
 * @throws AppError CONFIG_INVALID for an option that would have a second meaning in these files.
 */
export function edgeConfiguration(options: EdgeOptions, tlsFile: string): { text: string; fingerprint: string } {
  requireValidOptions(options)
  if (tlsFile !== '') must.path(tlsFile)
  // Without its own place: the same configuration may lie anywhere.
  const parts = [edgeParameters(options, ''), edgeScript(options, ''), edgeTlsConfiguration(options)]
  const fingerprint = fingerprintOf(parts.join('\n'))
  return { text: `${edgeParameters(options, tlsFile)}\n${edgeScript(options, fingerprint)}`, fingerprint }
}

/** tls.cfg: in a file of its own, because `tls.reload` reads only such a one again. */
export function edgeTlsConfiguration(options: EdgeOptions): string {
  const { address, port, mtlsPort, folder, tls, pbx } = options
  const [certificateFile, keyFile] = tls
    ? [tls.certificateFile, tls.keyFile]
    : [`${folder}/${edgeFiles.certificate}`, `${folder}/${edgeFiles.key}`]
  const certificate = `certificate = ${certificateFile}\nprivate_key = ${keyFile}\n`
  const own = `certificate = ${folder}/${edgeFiles.ownCertificate}\nprivate_key = ${folder}/${edgeFiles.ownKey}\n`
  const unverified = 'verify_certificate = no\nrequire_certificate = no\n'
  const verified = (authorityFile: string) =>
    `ca_list = ${authorityFile}\nverify_certificate = yes\nrequire_certificate = yes\n`
  return `# Written by \`ringfence edge\`. Changes here are overwritten.

# The PBX, known by its address, and Ringfence, known by its key. One section for both: each costs memory with each reload.
[server:default]
method = TLSv1.2+
${own}${unverified}
# Phones with a client certificate.
[server:${socketText(address, mtlsPort)}]
method = TLSv1.2+
${certificate}${verified(`${folder}/${edgeFiles.handsetAuthority}`)}crl = ${folder}/${edgeFiles.revocationList}
verify_depth = 2

# Phones that can hold none: known by their tunnel address.
[server:${socketText(address, port)}]
method = TLSv1.2+
${certificate}${unverified}
# Towards the PBX. Kamailio looks at the authority behind its certificate, and at no name.
[client:default]
method = TLSv1.2+
${own}${pbx.authorityFile === null ? unverified : verified(pbx.authorityFile)}`
}

function edgeParameters({ address, host, port, mtlsPort, pbxPort, rpc, folder }: EdgeOptions, tlsFile: string): string {
  const listens = [port, mtlsPort, pbxPort].map((at) => `listen=tls:${socketText(address, at)}\n`)
  const tables = edgeTables.map((name) => `modparam("htable", "htable", "${name}=>size=12;dbtable=${name};")\n`)
  return `#!KAMAILIO
# Written by \`ringfence edge\`. Changes here are overwritten: docs/edge.md.
debug=2
fork=yes
children=1
${kamailioConnections}# Phones without and with a client certificate, the PBX, Ringfence. No UDP, no plain TCP.
${listens.join('')}listen=tls:${socketText(rpc.address, rpc.port)}
alias="${host}"
tcp_max_connections=16384
tls_max_connections=16384
tcp_connect_timeout=5
tcp_send_timeout=5
max_while_loops=100000
server_signature=no
dns_cache_init=off
use_dns_cache=off

${modules.map((name) => `loadmodule "${name}.so"\n`).join('')}
modparam("tls", "config", "${tlsFile}")
${kamailioConnectionParameters}modparam("rr", "enable_double_rr", 1)
modparam("tm", "fr_timer", 10000)
modparam("tm", "fr_inv_timer", 180000)
# More than 100 requests in 2 seconds from one address are a flood, forgotten after 120 quiet ones. The module's own 30 would
# take a desk phone that subscribes to 40 lamps when it starts for one.
modparam("pike", "sampling_time_unit", 2)
modparam("pike", "reqs_density_per_unit", 100)
modparam("pike", "remove_latency", 120)
# Files that Ringfence writes; each request for a table looks whether its file changed, so that htable.reload takes it over.
modparam("db_text", "db_mode", 1)
modparam("htable", "db_url", "text://${folder}")
${tables.join('')}# Only in memory: who is connected over what, what the phone calls itself, by which other name it was called,
# which calls are counted (by Call-ID and by the PBX's tag), which calls of phones with a class there are, which list was
# taken over.
modparam("htable", "htable", "conn=>size=12;")
modparam("htable", "htable", "owner=>size=12;autoexpire=90000;")
modparam("htable", "htable", "live=>size=12;autoexpire=90000;")
modparam("htable", "htable", "former=>size=12;autoexpire=90000;")
modparam("htable", "htable", "contact=>size=12;autoexpire=90000;")
modparam("htable", "htable", "called=>size=12;autoexpire=43200;")
modparam("htable", "htable", "counted=>size=12;autoexpire=43200;")
modparam("htable", "htable", "taken=>size=12;autoexpire=43200;")
modparam("htable", "htable", "mark=>size=2;")
${kamailioCallParameters(spentTable)}`
}

const modules = [
  'jsonrpcs',
  'kex',
  'corex',
  'tm',
  'sl',
  'rr',
  'pv',
  'maxfwd',
  'textops',
  'siputils',
  'sanity',
  'nathelper',
  'ipops',
  'tls',
  'tcpops',
  'db_text',
  'htable',
  'dialog',
  'pike',
  'xhttp',
] as const

function requireValidOptions({ address, host, rpc, folder, tls, pbx, rpcKeyHash, ...ports }: EdgeOptions): void {
  for (const one of [address, rpc.address, pbx.address]) must.ip('address', one)
  if (!/^[A-Za-z0-9.-]{1,253}$/.test(host) && isIP(host) === 0) throw must.unusable('host', host)
  const files = [
    ...(tls ? [tls.certificateFile, tls.keyFile] : []),
    ...(pbx.authorityFile === null ? [] : [pbx.authorityFile]),
  ]
  for (const path of [folder, ...files]) must.path(path)
  if (!/^[0-9a-f]{64}$/.test(rpcKeyHash)) throw must.unusable('hash of the key', '…')
  for (const one of [ports.port, ports.mtlsPort, ports.pbxPort, rpc.port, pbx.port]) must.port(one)
}
