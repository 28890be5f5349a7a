import type { Secret } from '../domain/secret.ts'
import type { DevicePeer, PeerDriver } from './peer-driver.ts'
import { publicKeyOf } from './wireguard-key.ts'

/**
 * Remembers what it was told and moves no packet: for a host that has no WireGuard, so that everything else can be tried.
 * Whoever shows its state must name it a preview.
 */
export function previewDriver(): PeerDriver {
  const peers = new Map<string, DevicePeer>()
  let publicKey: string | null = null
  let listenPort = 0
  return {
    mode: 'preview',
    read: async () => ({ publicKey, listenPort, peers: [...peers.values()] }),
    async apply(steps) {
      for (const step of steps) {
        const before = peers.get(step.publicKey)
        if (step.kind === 'remove') peers.delete(step.publicKey)
        else {
          if (step.allowedIps) take(peers, step.allowedIps)
          peers.set(step.publicKey, {
            publicKey: step.publicKey,
            presharedKey: step.presharedKey ?? before?.presharedKey ?? null,
            allowedIps: step.allowedIps ?? before?.allowedIps ?? [],
            lastHandshakeAt: null,
            receivedBytes: 0,
            sentBytes: 0,
            endpoint: null,
          })
        }
      }
    },
    async setPrivateKey(privateKey: Secret) {
      publicKey = publicKeyOf(privateKey)
    },
    async setListenPort(port) {
      listenPort = port
    },
    close: () => undefined,
  }
}

/** As WireGuard does: a prefix that another peer asks for leaves its holder. */
function take(peers: Map<string, DevicePeer>, taken: readonly string[]): void {
  const prefixes = new Set(taken)
  for (const peer of peers.values()) {
    const left = peer.allowedIps.filter((prefix) => !prefixes.has(prefix))
    if (left.length !== peer.allowedIps.length) peers.set(peer.publicKey, { ...peer, allowedIps: left })
  }
}
