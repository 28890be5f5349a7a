import { Secret } from '../domain/secret.ts'
import type { Device, DevicePeer, PeerDriver, PeerStep } from './peer-driver.ts'
import { uapiConnection } from './uapi-connection.ts'
import { publicKeyOf } from './wireguard-key.ts'

// Keeps one request, and with it the time in which no removal gets in between, to about ten milliseconds.
const stepsPerRequest = 200

/** Where wireguard-go puts its sockets. Network namespaces do not keep them apart: interface names are unique per machine. */
export function uapiSocketPath(interfaceName: string): string {
  return `/var/run/wireguard/${interfaceName}.sock`
}

/**
 * A userspace WireGuard over its own socket: no process is started for a change, so a removal takes well under 1 ms.
 * Reads and writes have a connection each; the listing of 10,000 peers (3 MB) is taken line by line.
 */
export function uapiDriver(socketPath: string): PeerDriver {
  const reads = uapiConnection(socketPath)
  const writes = uapiConnection(socketPath)
  return {
    mode: 'userspace',
    async read(signal) {
      const parser = deviceParser()
      await reads.request('get=1\n\n', signal, parser.line)
      return parser.device()
    },
    async apply(steps, signal) {
      for (let at = 0; at < steps.length; at += stepsPerRequest) {
        const lines = steps.slice(at, at + stepsPerRequest).map(stepLines)
        await writes.request(`set=1\n${lines.join('')}\n`, signal)
      }
    },
    async setPrivateKey(privateKey, signal) {
      await writes.request(`set=1\nprivate_key=${hexOf(privateKey.reveal())}\n\n`, signal)
    },
    async setListenPort(port, signal) {
      await writes.request(`set=1\nlisten_port=${port}\n\n`, signal)
    },
    close() {
      reads.close()
      writes.close()
    },
  }
}

function stepLines(step: PeerStep): string {
  const key = `public_key=${hexOf(step.publicKey)}\n`
  if (step.kind === 'remove') return `${key}remove=true\n`
  const preshared = step.presharedKey ? `preshared_key=${hexOf(step.presharedKey.reveal())}\n` : ''
  if (step.allowedIps === null) return key + preshared
  return `${key}${preshared}replace_allowed_ips=true\n${step.allowedIps.map((prefix) => `allowed_ip=${prefix}\n`).join('')}`
}

interface PeerLines {
  publicKey: string
  presharedKey: Secret | null
  allowedIps: string[]
  handshakeSeconds: number
  handshakeNanoseconds: number
  receivedBytes: number
  sentBytes: number
  endpoint: string | null
}

/** Reads the answer to `get=1`: what is said before the first `public_key` is the device's, then one peer after another. */
function deviceParser(): { line: (line: string) => void; device: () => Device } {
  const peers: PeerLines[] = []
  let peer: PeerLines | undefined
  let privateKey: string | null = null
  let listenPort = 0

  const perKey: Readonly<Record<string, (value: string, peer: PeerLines) => void>> = {
    preshared_key: (value, peer) => {
      peer.presharedKey = isZero(value) ? null : new Secret(base64Of(value))
    },
    allowed_ip: (value, peer) => void peer.allowedIps.push(value),
    last_handshake_time_sec: (value, peer) => {
      peer.handshakeSeconds = Number(value)
    },
    last_handshake_time_nsec: (value, peer) => {
      peer.handshakeNanoseconds = Number(value)
    },
    rx_bytes: (value, peer) => {
      peer.receivedBytes = Number(value)
    },
    tx_bytes: (value, peer) => {
      peer.sentBytes = Number(value)
    },
    endpoint: (value, peer) => {
      peer.endpoint = value
    },
  }

  return {
    line(line) {
      const at = line.indexOf('=')
      const name = line.slice(0, at)
      const value = line.slice(at + 1)
      if (name === 'public_key') {
        peer = emptyPeer(base64Of(value))
        peers.push(peer)
      } else if (peer) perKey[name]?.(value, peer)
      else if (name === 'private_key') privateKey = value
      else if (name === 'listen_port') listenPort = Number(value)
    },
    device() {
      const ownKey = privateKey === null || isZero(privateKey) ? null : publicKeyOf(new Secret(base64Of(privateKey)))
      return { publicKey: ownKey, listenPort, peers: peers.map(finished) }
    },
  }
}

function emptyPeer(publicKey: string): PeerLines {
  return {
    publicKey,
    presharedKey: null,
    allowedIps: [],
    handshakeSeconds: 0,
    handshakeNanoseconds: 0,
    receivedBytes: 0,
    sentBytes: 0,
    endpoint: null,
  }
}

function finished(lines: PeerLines): DevicePeer {
  const { handshakeSeconds, handshakeNanoseconds, ...peer } = lines
  const milliseconds = handshakeSeconds * 1_000 + Math.floor(handshakeNanoseconds / 1e6)
  return {
    ...peer,
    allowedIps: peer.allowedIps.sort(),
    lastHandshakeAt: milliseconds === 0 ? null : new Date(milliseconds).toISOString(),
  }
}

function hexOf(base64: string): string {
  return Buffer.from(base64, 'base64').toString('hex')
}

function base64Of(hex: string): string {
  return Buffer.from(hex, 'hex').toString('base64')
}

function isZero(hex: string): boolean {
  return /^0*$/.test(hex)
}
