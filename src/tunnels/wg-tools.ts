import { Secret } from '../domain/secret.ts'
import { AppError } from '../errors.ts'
import type { System } from '../system.ts'
import { withFiles } from './hand-over-files.ts'
import type { Device, DevicePeer, PeerDriver, PeerStep } from './peer-driver.ts'

// A command line holds 2 MiB at most (execve(2)); 500 peers with a few prefixes each stay far below.
const stepsPerCall = 500

/** The kernel's WireGuard through wg(8): its netlink interface is not to be had from Node otherwise. */
export function wgToolsDriver(interfaceName: string, system: Pick<System, 'run'>, folder: string): PeerDriver {
  return {
    mode: 'kernel',
    async read(signal) {
      const { stdout } = await system.run('wg', ['show', interfaceName, 'dump'], { signal, timeoutMs: 30_000 })
      return parseDump(stdout)
    },
    async apply(steps, signal) {
      for (let at = 0; at < steps.length; at += stepsPerCall) {
        const some = steps.slice(at, at + stepsPerCall)
        await withKeyFiles(folder, presharedKeys(some), async (files) => {
          const args = some.flatMap((step) => stepArguments(step, files))
          await system.run('wg', ['set', interfaceName, ...args], { signal, timeoutMs: 30_000 })
        })
      }
    },
    async setPrivateKey(privateKey, signal) {
      await withKeyFiles(folder, new Map([['private', privateKey]]), async (files) => {
        await system.run('wg', ['set', interfaceName, 'private-key', files.get('private')!], { signal })
      })
    },
    async setListenPort(port, signal) {
      await system.run('wg', ['set', interfaceName, 'listen-port', String(port)], { signal })
    },
    close: () => undefined,
  }
}

function presharedKeys(steps: readonly PeerStep[]): ReadonlyMap<string, Secret> {
  return new Map(
    steps.flatMap((step) => (step.kind === 'put' && step.presharedKey ? [[step.publicKey, step.presharedKey]] : [])),
  )
}

function stepArguments(step: PeerStep, files: ReadonlyMap<string, string>): string[] {
  if (step.kind === 'remove') return ['peer', step.publicKey, 'remove']
  const file = files.get(step.publicKey)
  return [
    'peer',
    step.publicKey,
    ...(file === undefined ? [] : ['preshared-key', file]),
    // An empty word is how wg(8) takes all of them away.
    ...(step.allowedIps === null ? [] : ['allowed-ips', step.allowedIps.join(',')]),
  ]
}

/** By name, as `keys` has them. */
async function withKeyFiles(
  folder: string,
  keys: ReadonlyMap<string, Secret>,
  deed: (files: ReadonlyMap<string, string>) => Promise<void>,
): Promise<void> {
  const names = [...keys.keys()]
  const contents = [...keys.values()].map((key) => `${key.reveal()}\n`)
  await withFiles(folder, contents, (paths) => deed(new Map(names.map((name, index) => [name, paths[index]!]))))
}

/** `wg show IF dump` (wg(8)): a line for the device, then one for each peer, with tabs between the fields. */
function parseDump(text: string): Device {
  const [device, ...peers] = text.trimEnd().split('\n')
  const [, publicKey, listenPort] = device!.split('\t')
  if (publicKey === undefined || listenPort === undefined) throw notUnderstood()
  return { publicKey: orNull(publicKey), listenPort: Number(listenPort), peers: peers.map(parsePeer) }
}

function parsePeer(line: string): DevicePeer {
  const [publicKey, presharedKey, endpoint, allowedIps, handshake, received, sent] = line.split('\t')
  if (!publicKey || !presharedKey || !endpoint || !allowedIps || !handshake || !received || !sent) throw notUnderstood()
  const key = orNull(presharedKey)
  return {
    publicKey,
    presharedKey: key === null ? null : new Secret(key),
    endpoint: orNull(endpoint),
    allowedIps: orNull(allowedIps)?.split(',').sort() ?? [],
    lastHandshakeAt: handshake === '0' ? null : new Date(Number(handshake) * 1_000).toISOString(),
    receivedBytes: Number(received),
    sentBytes: Number(sent),
  }
}

function orNull(field: string): string | null {
  return field === '(none)' ? null : field
}

function notUnderstood(): AppError {
  return new AppError('COMMAND_FAILED', 'the listing that wg printed is not understood', {
    hint: '`ringfence doctor` shows its version; 1.0.20210914 is known to work',
    retryable: true,
  })
}
