import type { Tunnel } from '../domain/tunnel.ts'

const makers: Readonly<Record<Tunnel['keyOrigin'], string>> = {
  server: 'made by Ringfence once',
  browser: "made in the employee's browser: Ringfence never had it",
  device: 'made by the router itself: Ringfence never had it',
}

/** What is known of a tunnel's private key, for people. */
export function keyWords({ keyOrigin, publicKey, nextPublicKey, privateKeySealed, keyWindowEndsAt }: Tunnel): string {
  const maker = makers[keyOrigin]
  if (publicKey === null && nextPublicKey === null)
    return keyOrigin === 'device' ? 'to be made by the router; it has not told it yet' : 'none yet'
  const waits = nextPublicKey !== null && publicKey !== null ? '; a new one waits for its first handshake' : ''
  if (keyOrigin !== 'server') return `${maker}${waits}`
  return privateKeySealed === null
    ? `${maker}; our copy is erased${waits}`
    : `${maker}; our copy is sealed until the first handshake, at most until ${keyWindowEndsAt}${waits}`
}
