import { readFile, writeFile } from 'node:fs/promises'
import { z } from 'zod'
import { hubAddress, parsePrefix } from '../domain/address.ts'
import { asAppError } from '../errors.ts'
import type { System } from '../system.ts'
import type { HubDescription } from '../tunnels/hub-port.ts'
import { tableName } from './firewall-rules.ts'
import type { HubSettings } from './hub-settings.ts'

type Runs = Pick<System, 'run'>
type Problem = HubDescription['problems'][number]

/** What was done and what could not be, in words for the admin. */
export interface Account {
  readonly did: string[]
  readonly problems: Problem[]
}

const linksSchema = z.array(
  z.object({ ifname: z.string(), linkinfo: z.object({ info_kind: z.string().optional() }).optional() }),
)
const addressesSchema = z.array(
  z.object({
    addr_info: z.array(z.object({ local: z.string(), prefixlen: z.int(), scope: z.string() })).optional(),
  }),
)
const routesSchema = z.array(z.object({ dev: z.string(), type: z.string().optional() }))

/** The kind of an existing link (`wireguard`, `tun`, …, empty for a plain one); undefined when there is none. */
export async function linkKind(name: string, system: Runs, signal: AbortSignal): Promise<string | undefined> {
  const { stdout } = await system.run('ip', ['-j', '-d', 'link', 'show'], { signal })
  const link = linksSchema.parse(JSON.parse(stdout)).find(({ ifname }) => ifname === name)
  return link && (link.linkinfo?.info_kind ?? '')
}

/** The hub's addresses with the length of their subnet: `10.77.0.1/16`. */
export function hubAddresses(settings: Pick<HubSettings, 'subnets'>): string[] {
  return settings.subnets.map((text) => {
    const subnet = parsePrefix(text)!
    return `${hubAddress(subnet)}/${subnet.length}`
  })
}

/** Addresses, MTU, link up, and the routes to the phones behind gateways. Says nothing of what was so already. */
export async function setUpLink(settings: HubSettings, system: Runs, account: Account, signal: AbortSignal) {
  const dev = settings.interface
  const { stdout } = await system.run('ip', ['-j', 'addr', 'show', 'dev', dev], { signal })
  const present = addressesSchema
    .parse(JSON.parse(stdout))
    .flatMap(({ addr_info }) => addr_info ?? [])
    .filter(({ scope }) => scope !== 'link')
    .map(({ local, prefixlen }) => `${local}/${prefixlen}`)
  const wanted = hubAddresses(settings)
  for (const address of wanted.filter((one) => !present.includes(one))) {
    await attempt(account, `gave ${dev} the address ${address}`, ['ip', 'addr', 'add', address, 'dev', dev])
  }
  for (const address of present.filter((one) => !wanted.includes(one))) {
    await attempt(account, `took the address ${address} from ${dev}`, ['ip', 'addr', 'del', address, 'dev', dev])
  }
  await system.run('ip', ['link', 'set', 'dev', dev, 'mtu', String(settings.mtu), 'up'], { signal })
  for (const subnet of settings.phoneSubnets) {
    const { stdout: held } = await system.run('ip', ['route', 'show', 'exact', subnet], { signal })
    if (held.includes(` dev ${dev} `)) continue
    if (held.trim() === '') {
      await attempt(account, `routed ${subnet} to ${dev}`, ['ip', 'route', 'add', subnet, 'dev', dev])
    } else {
      // Somebody else's, perhaps another hub's: taking it would silence the phones there.
      account.problems.push({
        message: `the way to ${subnet} is taken: ${held.trim().split('\n')[0]}`,
        hint: 'give this hub other RINGFENCE_PHONE_SUBNETS, or remove that route if nobody needs it, and restart the hub',
      })
    }
  }

  async function attempt(into: Account, deed: string, [program, ...args]: readonly [string, ...string[]]) {
    try {
      await system.run(program, args, { signal })
      into.did.push(deed)
    } catch (error) {
      into.problems.push({
        message: `could not do this: ${deed}: ${asAppError(error).message}`,
        hint: `try it by hand and restart the hub: ${[program, ...args].join(' ')}`,
      })
    }
  }
}

/**
 * Looks whether handsets' packets find their way to the PBX and the time and name servers, and lets this host pass them
 * on where that is needed and allowed.
 */
export async function openPath(settings: HubSettings, system: Runs, account: Account, signal: AbortSignal) {
  const targets = [
    ...settings.pbxs.map(({ address }) => ['the PBX', address] as const),
    ...(settings.edge === null ? [] : [['the SIP edge', settings.edge.address] as const]),
    ...settings.timeServers.map((address) => ['the time server', address] as const),
    ...settings.nameServers.map((address) => ['the name server', address] as const),
  ]
  const devices = { 4: new Set<string>(), 6: new Set<string>() }
  for (const [name, address] of targets) {
    const route = await routeTo(address, system, signal)
    if (!route) {
      account.problems.push({
        message: `there is no route to ${name} ${address}`,
        hint: `set one, then restart the hub: ip route add ${address} via <gateway>`,
      })
    } else if (route.dev === settings.interface) {
      account.problems.push({
        message: `the route to ${name} ${address} leads into the tunnels`,
        hint: 'choose subnets for the hub that do not hold that address',
      })
    } else if (route.type !== 'local') devices[address.includes(':') ? 6 : 4].add(route.dev)
  }
  for (const device of devices[4].size > 0 ? [settings.interface, ...devices[4]] : []) {
    // Per interface, not for the whole host: it becomes no router between its other networks.
    await switchOn(`net/ipv4/conf/${device}/forwarding`, `forwarding of IPv4 on ${device}`, account)
  }
  if (devices[6].size > 0 && settings.subnets.some((subnet) => subnet.includes(':'))) {
    await openPath6(system, account, signal)
  }
  if (devices[4].size + devices[6].size > 0) await reportOtherFirewalls(settings, system, account, signal)
}

/** IPv6 has one switch for the whole host, and a host that forwards no longer takes its default route from the router. */
async function openPath6(system: Runs, account: Account, signal: AbortSignal): Promise<void> {
  const { stdout } = await system.run('ip', ['-6', 'route', 'show', 'default', 'proto', 'ra'], { signal })
  const device = / dev (\S+)/.exec(stdout)?.[1]
  const accepts = device && (await readFile(`/proc/sys/net/ipv6/conf/${device}/accept_ra`, 'utf8')).trim()
  if (device && accepts !== '2') {
    account.problems.push({
      message: 'forwarding of IPv6 is off, and switching it on would take this host its default route',
      hint: `sysctl -w net.ipv6.conf.${device}.accept_ra=2 net.ipv6.conf.all.forwarding=1`,
    })
    return
  }
  await switchOn('net/ipv6/conf/all/forwarding', 'forwarding of IPv6', account)
}

async function switchOn(path: string, name: string, account: Account): Promise<void> {
  const file = `/proc/sys/${path}`
  try {
    if ((await readFile(file, 'utf8')).trim() === '1') return
    await writeFile(file, '1\n')
    account.did.push(`switched on ${name} until the next boot`)
  } catch (error) {
    account.problems.push({
      message: `${name} is off and could not be switched on (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`,
      hint: `sysctl -w ${path.replaceAll('/', '.')}=1`,
    })
  }
}

async function routeTo(address: string, system: Runs, signal: AbortSignal) {
  try {
    const { stdout } = await system.run('ip', ['-j', 'route', 'get', address], { signal })
    return routesSchema.parse(JSON.parse(stdout))[0]
  } catch {
    // `ip route get` fails for an address without a route; that is the answer, and the caller reports it.
    return undefined
  }
}

const chainsSchema = z.object({
  nftables: z.array(
    z.object({
      chain: z
        .object({
          family: z.string(),
          table: z.string(),
          name: z.string(),
          hook: z.string().optional(),
          policy: z.string().optional(),
        })
        .optional(),
    }),
  ),
})

/** Our accept is not the last word: a table of Docker or ufw that drops what is forwarded still does. */
async function reportOtherFirewalls(settings: HubSettings, system: Runs, account: Account, signal: AbortSignal) {
  const { stdout } = await system.run('nft', ['-j', 'list', 'chains'], { signal })
  for (const { chain } of chainsSchema.parse(JSON.parse(stdout)).nftables) {
    if (chain?.hook !== 'forward' || chain.policy !== 'drop' || chain.table === tableName(settings.interface)) continue
    const where = `${chain.family} ${chain.table} ${chain.name}`
    account.problems.push({
      message: `another firewall of this host drops what is forwarded unless it is told otherwise (${where})`,
      hint: `let the tunnels through there: nft insert rule ${where} iifname ${settings.interface} accept; nft insert rule ${where} oifname ${settings.interface} accept`,
    })
  }
}
