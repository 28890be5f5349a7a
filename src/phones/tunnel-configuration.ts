import { canonicalPrefix } from '../domain/address.ts'
import { parsePublicKey } from '../domain/tunnel.ts'
import { AppError } from '../errors.ts'
import type { TunnelConfiguration } from './phone-port.ts'

/**
 * The `.conf` that WireGuard's apps import and that a QR code carries; it holds the private key, unless that was made elsewhere.
 *
 * Only keys that every app takes. wg-quick's `Table` and `PostUp` are parse errors on iOS and Android; no `DNS`, since on Apple
 * platforms it would draw every name look-up into the tunnel (wg(8), wg-quick(8), wireguard-apple
 * TunnelConfiguration+WgQuickConfig.swift).
 *
 * @param carrier `gateway`: an MTU of 1420, the default of routers; `handset`: 1280, which passes mobile networks too.
 * @throws AppError INVALID_INPUT when a value could not stand in the file; no value is in the message
 */
export function tunnelConfiguration(tunnel: TunnelConfiguration, carrier: 'handset' | 'gateway'): string {
  const privateKey = tunnel.privateKey && key('private key', tunnel.privateKey.reveal())
  const publicKey = key("hub's public key", tunnel.hubPublicKey)
  const presharedKey = key('preshared key', tunnel.presharedKey.reveal())
  return `[Interface]
${privateKey === null ? '' : `PrivateKey = ${privateKey}\n`}Address = ${prefixes('tunnel addresses', tunnel.addresses, /\/(32|128)$/)}
MTU = ${carrier === 'gateway' ? 1420 : 1280}

[Peer]
PublicKey = ${publicKey}
PresharedKey = ${presharedKey}
AllowedIPs = ${prefixes('allowed addresses', tunnel.allowedIps)}
Endpoint = ${endpoint(tunnel.hubEndpoint)}
PersistentKeepalive = 25
`
}

/** All three kinds of key are 32 bytes in base64. */
function key(what: string, text: string): string {
  const parsed = parsePublicKey(text)
  if (!parsed.ok) throw unfit(`the ${what} is not a WireGuard key`)
  return parsed.value
}

/** wg masks host bits with a warning and some apps refuse them, so only canonical prefixes leave here. */
function prefixes(what: string, list: readonly string[], allowed = /./): string {
  const canonical = list.map((text) => {
    const prefix = canonicalPrefix(text)
    if (prefix === null || !allowed.test(prefix)) throw unfit(`one of the ${what} is not an address`)
    return prefix
  })
  if (canonical.length === 0) throw unfit(`the ${what} are missing`)
  return [...new Set(canonical)].join(', ')
}

function endpoint(text: string): string {
  const match = /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]):(\d{1,5})$/.exec(text)
  const port = Number(match?.[1])
  if (!match || port < 1 || port > 65_535) throw unfit("the hub's endpoint is not host:port")
  return text
}

function unfit(message: string): AppError {
  return new AppError('INVALID_INPUT', message, {
    hint: 'check RINGFENCE_HUB_ENDPOINT, RINGFENCE_HUB_SUBNET and RINGFENCE_PBX_ADDRESS',
  })
}
