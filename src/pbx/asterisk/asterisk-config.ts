import type { TlsPorts } from '../tls-ports.ts'
import { usable } from '../usable-option.ts'
import { type AccountRules, type AsteriskObject, contactFields, pathFields } from './asterisk-account.ts'

/** An AOR that takes no registration. Seen in the running PBX it proves that pjsip.conf includes our folder. */
export const sentinelName = 'ringfence-included'

/** First line of each file of ours: a file without it belongs to somebody else and is left alone. */
export const ownershipMark = '; Written by Ringfence. Changes here are overwritten.'

export const transportsFile = '00-ringfence.conf'

export const accountsFile = '10-accounts.conf'

/** The sections of one extension. */
export function accountText(objects: readonly AsteriskObject[]): string {
  return objects
    .map(
      ({ type, id, fields }) =>
        `[${id}]\ntype=${type}\n${fields.map(([name, value]) => `${name}=${value}\n`).join('')}\n`,
    )
    .join('')
}

/**
 * An account that was written before the edge came, went or moved, as it would be written now: its secrets are the same, so
 * nothing else would ever write it again.
 */
export function withEdge(text: string, edge: string | null): string {
  const lines = (fields: AsteriskObject['fields']) => fields.map(([name, value]) => `${name}=${value}\n`).join('')
  return text
    .replace(/^(rewrite_contact|deny|support_path)=.*\n/gm, '')
    .replace(/^force_rport=yes\n/m, (line) => line + lines(contactFields(edge)))
    .replace(/^type=aor\n/m, (line) => line + lines(pathFields(edge)))
}

/** @throws AppError CONFIG_INVALID for settings that would break the file or its meaning. */
export function requireValidSettings(settings: AccountRules, transports: TlsPorts | null): void {
  const must = usable('Asterisk', 'letters, digits, dot, dash and underscore are safe')
  must.word('realm', settings.realm)
  must.word('context', settings.context)
  if (settings.edge) must.ip('address of the edge', settings.edge)
  if (!transports) return
  const { bindAddress, port, mtlsPort, certificateFile, keyFile, handsetCaFile } = transports
  must.address('bind address', bindAddress)
  for (const path of [certificateFile, keyFile, handsetCaFile]) must.path(path)
  for (const one of [port, mtlsPort]) must.port(one)
}

/**
 * The file that always exists, so that the include line always finds something. Asterisk reads a transport's settings
 * when it first meets it; with `allow_reload` at its default `no` a reload never drops live connections.
 */
export function transportsText(transports: TlsPorts | null): string {
  const sentinel = `${ownershipMark}\n[${sentinelName}]\ntype=aor\nmax_contacts=0\n`
  if (!transports) return sentinel
  const address = transports.bindAddress.includes(':') ? `[${transports.bindAddress}]` : transports.bindAddress
  return `${sentinel}
[ringfence-tls]
type=transport
protocol=tls
method=tlsv1_2
bind=${address}:${transports.port}
cert_file=${transports.certificateFile}
priv_key_file=${transports.keyFile}

[ringfence-mtls]
type=transport
protocol=tls
method=tlsv1_2
bind=${address}:${transports.mtlsPort}
cert_file=${transports.certificateFile}
priv_key_file=${transports.keyFile}
ca_list_file=${transports.handsetCaFile}
verify_client=yes
require_client_cert=yes
`
}
