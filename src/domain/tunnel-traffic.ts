/**
 * Whether a tunnel carried more than itself between two looks at the hub's counters. A WireGuard message is 16 bytes of
 * header, the packet padded to 16, and 16 bytes of authentication (wireguard.com/protocol, "Subsequent Messages"): an empty keepalive
 * is 32 bytes, a handshake's initiation 148 and its response 92. Whatever is no sum of a few of these was a packet of
 * somebody's.
 */
export function carriedMore(grownBytes: number, seconds: number): boolean {
  if (grownBytes <= 0) return false
  // Ours send a keepalive after 25 s of silence, and every peer one 10 s after it received something.
  const keepalives = Math.ceil(seconds / 10) + 1
  const handshakes = Math.ceil(seconds / 5) + 1
  for (let initiations = 0; initiations <= handshakes; initiations++) {
    for (let responses = 0; responses <= handshakes; responses++) {
      const left = grownBytes - initiations * 148 - responses * 92
      if (left >= 0 && left % 32 === 0 && left / 32 <= keepalives) return false
    }
  }
  return true
}
