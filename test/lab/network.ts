/**
 * Networks for live tests, made of namespaces and veth pairs, with nothing but loopback beyond them.
 *
 *   await using lab = await openNetwork()                    everything below goes when the test ends, also when it fails
 *   const hub = await lab.namespace('hub')                   a host of its own; `lo` is up
 *   const pbx = await lab.namespace('pbx')
 *   await lab.link(hub, '10.91.0.1/24', pbx, '10.91.0.2/24')  a cable
 *   await pbx.run('ip', 'route', 'add', 'default', 'via', '10.91.0.1')
 *   const agent = await pbx.agent()                          listens, sends and probes in there: see agent.ts
 *   pbx.prefix                                               `ip netns exec …`: starts anything in there
 *
 * `openOffice()` makes the usual picture: `pbx` and homes, each with a cable to `hub` only. A home reaches the hub's public
 * address of its own cable and nothing else; what lies behind is reached through a tunnel or not at all.
 *
 *   const home = await office.home()                         home.publicAddress: the hub as seen from there
 *   await home.connect({ hubKey, port, address: '10.77.0.2/32', allowedIps: ['10.91.0.2/32', '10.77.0.1/32'] })
 *
 * Where such tests cannot run, `describeLive(…, tunnelNeeds, …)` says so.
 * Interface names carry the process id and chance: WireGuard's sockets are shared by all namespaces of a machine.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Secret } from '../../src/domain/secret.ts'
import { realSystem } from '../../src/system.ts'
import { uapiDriver, uapiSocketPath } from '../../src/tunnels/uapi.ts'
import { newPrivateKey, publicKeyOf } from '../../src/tunnels/wireguard-key.ts'
import type { Requirement } from '../setup/requirements.ts'
import { type Agent, startAgent } from './agent-client.ts'

/** What the machine must have, for `describeLive`. */
export const tunnelNeeds: readonly Requirement[] = ['namespaces', 'nft', 'tun', 'wg', 'wireguard-go']

export interface Namespace {
  readonly name: string
  /** What to put before a command so that it runs in here. */
  readonly prefix: readonly ['ip', 'netns', 'exec', string]
  /** Runs a program in here to its end and returns what it printed. */
  run(program: string, ...args: string[]): Promise<string>
  /** Starts a program in here; it is ended with the lab. */
  start(program: string, ...args: string[]): ChildProcess
  agent(): Promise<Agent>
}

export interface Network extends AsyncDisposable {
  namespace(label: string): Promise<Namespace>
  link(one: Namespace, oneAddress: string, other: Namespace, otherAddress: string): Promise<void>
  /** Anything that must go with the lab, before its namespaces do; the last one first. */
  defer(deed: () => Promise<void>): void
}

/** A name that no other test on this machine has; 15 characters at most, as interfaces need it. */
export function uniqueName(prefix: string): string {
  return `${prefix}${process.pid.toString(36)}${randomBytes(8).readBigUInt64BE().toString(36)}`.slice(0, 15)
}

export async function openNetwork(): Promise<Network> {
  const deeds: (() => Promise<void>)[] = []
  const run = async (program: string, ...args: string[]) => (await realSystem.run(program, args, {})).stdout

  async function namespace(label: string): Promise<Namespace> {
    const name = uniqueName(`rf-${label}-`.slice(0, 10)) + randomBytes(4).toString('hex')
    await run('ip', 'netns', 'add', name)
    deeds.push(async () => void (await run('ip', 'netns', 'delete', name)))
    const prefix = ['ip', 'netns', 'exec', name] as const
    const made: Namespace = {
      name,
      prefix,
      run: (program, ...args) => run('ip', 'netns', 'exec', name, program, ...args),
      start(program, ...args) {
        const child = spawn('ip', ['netns', 'exec', name, program, ...args], { stdio: 'ignore' })
        deeds.push(() => endProcess(child))
        return child
      },
      async agent() {
        const agent = await startAgent(prefix)
        deeds.push(() => agent.close())
        return agent
      },
    }
    await made.run('ip', 'link', 'set', 'dev', 'lo', 'up')
    return made
  }

  return {
    namespace,
    async link(one, oneAddress, other, otherAddress) {
      const [here, there] = [uniqueName('rfv'), uniqueName('rfw')]
      await run(
        'ip',
        'link',
        'add',
        here,
        'netns',
        one.name,
        'type',
        'veth',
        'peer',
        'name',
        there,
        'netns',
        other.name,
      )
      for (const [side, device, address] of [
        [one, here, oneAddress],
        [other, there, otherAddress],
      ] as const) {
        await side.run('ip', 'addr', 'add', address, 'dev', device)
        await side.run('ip', 'link', 'set', 'dev', device, 'up')
      }
    },
    defer: (deed) => void deeds.push(deed),
    async [Symbol.asyncDispose]() {
      const failures: unknown[] = []
      // Each is tried, whatever became of the others: one stuck process must not leave ten namespaces behind.
      for (const deed of deeds.reverse()) await deed().catch((error: unknown) => failures.push(error))
      if (failures.length > 0) throw new AggregateError(failures, 'the lab could not be taken down')
    },
  }
}

export interface Office extends Network {
  readonly hub: Namespace
  readonly pbx: Namespace
  readonly pbxAddress: string
  home(): Promise<Home>
}

export interface Home extends Namespace {
  /** The hub's public address as this home reaches it. */
  readonly publicAddress: string
  connect(tunnel: HomeTunnel): Promise<Client>
}

export interface HomeTunnel {
  readonly hubKey: string
  readonly port: number
  /** The carrier's own, with length. */
  readonly address: string
  readonly allowedIps: readonly string[]
  readonly privateKey?: Secret
  readonly presharedKey?: Secret
}

export interface Client {
  readonly interface: string
  readonly publicKey: string
  /** When the last handshake was, as the client sees it; null before the first. */
  lastHandshakeAt(): Promise<string | null>
  /** Goes on with another private key, as a phone does after a new invite; the next packet shakes hands anew. */
  replaceKey(privateKey: Secret): Promise<void>
}

export async function openOffice(): Promise<Office> {
  const network = await openNetwork()
  try {
    const hub = await network.namespace('hub')
    const pbx = await network.namespace('pbx')
    await network.link(hub, '10.91.0.1/24', pbx, '10.91.0.2/24')
    await pbx.run('ip', 'route', 'add', 'default', 'via', '10.91.0.1')
    let homes = 0
    return {
      ...network,
      hub,
      pbx,
      pbxAddress: '10.91.0.2',
      async home() {
        homes += 1
        const publicAddress = `198.51.100.${homes * 4 + 1}`
        const place = await network.namespace('home')
        await network.link(hub, `${publicAddress}/30`, place, `198.51.100.${homes * 4 + 2}/30`)
        return { ...place, publicAddress, connect: (tunnel) => connectHome(network, place, publicAddress, tunnel) }
      },
    }
  } catch (error) {
    await network[Symbol.asyncDispose]()
    throw error
  }
}

/** A phone's side of the tunnel: wireguard-go in the home's namespace. */
async function connectHome(
  network: Network,
  place: Namespace,
  hubAddress: string,
  tunnel: HomeTunnel,
): Promise<Client> {
  const name = uniqueName('rfc')
  const privateKey = tunnel.privateKey ?? newPrivateKey()
  const started = place.start('wireguard-go', '-f', name)
  const driver = uapiDriver(uapiSocketPath(name))
  network.defer(async () => driver.close())
  const signal = AbortSignal.timeout(10_000)
  await until(async () => {
    if (started.exitCode !== null) throw new Error('wireguard-go ended at once')
    return driver.read(signal).then(
      () => true,
      () => false,
    )
  })
  await driver.setPrivateKey(privateKey, signal)
  const put = {
    kind: 'put',
    publicKey: tunnel.hubKey,
    presharedKey: tunnel.presharedKey ?? null,
    allowedIps: tunnel.allowedIps,
  } as const
  await driver.apply([put], signal)
  // The endpoint is the client's business only, so the driver does not know it.
  await realSystem.run('wg', ['set', name, 'peer', tunnel.hubKey, 'endpoint', `${hubAddress}:${tunnel.port}`], {})
  await place.run('ip', 'addr', 'add', tunnel.address, 'dev', name)
  await place.run('ip', 'link', 'set', 'dev', name, 'mtu', '1420', 'up')
  for (const prefix of tunnel.allowedIps) await place.run('ip', 'route', 'add', prefix, 'dev', name)
  return {
    interface: name,
    publicKey: publicKeyOf(privateKey),
    async lastHandshakeAt() {
      const { peers } = await driver.read(AbortSignal.timeout(5_000))
      return peers[0]?.lastHandshakeAt ?? null
    },
    replaceKey: (next) => driver.setPrivateKey(next, AbortSignal.timeout(5_000)),
  }
}

/** Asks again and again until it is so; fails when it is not within the limit. */
export async function until(condition: () => Promise<boolean> | boolean, limitMs = 10_000): Promise<void> {
  const end = Date.now() + limitMs
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`did not come true within ${limitMs} ms: ${condition}`)
    await delay(5)
  }
}

/** Ends a process that we started and waits until it is gone. */
async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  const last = setTimeout(() => child.kill('SIGKILL'), 3_000)
  await gone
  clearTimeout(last)
}
