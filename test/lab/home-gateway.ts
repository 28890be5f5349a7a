/**
 * A home gateway made of what the Debian script writes: the real systemd-networkd gives addresses and routes, nft loads the
 * very rules, the real dnsmasq answers the phones. Only WireGuard itself is wireguard-go, set up with the values of the
 * `.netdev` file, since not every kernel has it.
 *
 * A phone that is plugged in gets its address by DHCP (busybox) and its names from the gateway, and knows nothing of tunnels.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readSystemdFile, valuesIn } from '../phones/systemd-files.ts'
import { networkd } from '../setup/programs.ts'
import type { Requirement } from '../setup/requirements.ts'
import type { PluggedIn } from './desk-phone.ts'
import { type Namespace, type Network, tunnelNeeds, uniqueName, until } from './network.ts'

export const homeGatewayNeeds: readonly Requirement[] = [...tunnelNeeds, 'busybox', 'dnsmasq', 'networkd']

export interface HomeGateway {
  readonly home: Namespace
  /** Device names, as the script was told. */
  readonly tunnel: string
  readonly phones: string
  /** What the script printed. */
  readonly said: string
  /** What it told systemctl, call by call. */
  readonly told: readonly string[]
  /** Where the script wrote the files of systemd-networkd. */
  readonly networkFolder: string
  /** Plugs a device in; rejects when it gets no address. */
  plugIn(mac: string): Promise<LeasedPhone>
  /** Takes the rules away, to see that they were what held. */
  withoutRules(): Promise<void>
}

export interface LeasedPhone extends PluggedIn {
  /** What DHCP told it, by option number. */
  readonly options: Readonly<Record<66 | 160 | 42, string | null>>
}

/** @param folder for the script's files; goes with the lab @param authorityFile that the home's curl trusts */
export async function setUpHomeGateway(
  network: Network,
  home: Namespace,
  script: string,
  folder: string,
  authorityFile: string,
): Promise<HomeGateway> {
  const [tunnel, phones] = [uniqueName('rfg'), uniqueName('rfb')]
  const root = join(folder, 'root')
  // One switch, to which all phones are cabled: what the script calls the phones' port.
  await home.run('ip', 'link', 'add', phones, 'type', 'bridge')
  await home.run('ip', 'link', 'set', phones, 'up')
  const port = { TUNNEL: tunnel, PHONES_PORT: phones, CURL_CA_BUNDLE: authorityFile }
  const { said, told } = await runScript(home, script, folder, port)
  await startTunnel(home, tunnel, root)
  const unit = readSystemdFile(readFileSync(join(root, 'etc/systemd/system/ringfence-firewall.service'), 'utf8'))
  for (const command of valuesIn(unit, 'Service', 'ExecStart')) {
    const [program, ...given] = command.split(' ')
    await home.run(program!, ...given.map((each) => each.replace(/^\/etc\//, `${root}/etc/`)))
  }
  home.start('unshare', '-m', 'sh', '-c', networkdAlone(join(root, 'etc/systemd/network')))
  await until(async () => {
    const printed = await home.run('ip', '-4', '-o', 'addr', 'show')
    return printed.includes(tunnel) && printed.includes(phones)
  })
  const log = join(folder, 'dnsmasq.log')
  const names = `exec dnsmasq --keep-in-foreground --log-dhcp --conf-file=${root}/etc/ringfence/dnsmasq.conf 2>${log}`
  home.start('unshare', '-m', 'sh', '-c', `mount -t tmpfs tmpfs /run && ${names}`)
  return {
    home,
    tunnel,
    phones,
    said,
    told,
    networkFolder: join(root, 'etc/systemd/network'),
    plugIn: (mac) => plugIn(network, home, phones, mac, folder, log),
    withoutRules: async () => void (await home.run('nft', 'delete', 'table', 'inet', 'ringfence_gateway')),
  }
}

/**
 * The script itself, as root, to its end, on a copy of this machine's /etc that only it sees. `systemctl` alone is another: it
 * writes down what it was told, and the lab does that.
 */
async function runScript(
  home: Namespace,
  script: string,
  folder: string,
  environment: Readonly<Record<string, string>>,
): Promise<Pick<HomeGateway, 'said' | 'told'>> {
  const [file, bin, told, copy] = ['setup.sh', 'bin', 'systemctl', 'etc'].map((name) => join(folder, name))
  writeFileSync(file!, script, { mode: 0o600 })
  mkdirSync(bin!)
  writeFileSync(join(bin!, 'systemctl'), `#!/bin/sh\necho "$@" >>'${told}'\n`, { mode: 0o755 })
  const network = join(folder, 'root/etc/systemd/network')
  const steps = [
    `mkdir -p ${copy} ${network}`,
    `mount -t tmpfs -o mode=755 tmpfs ${copy}`,
    `cp -a /etc/. ${copy}`,
    `mount --bind ${copy} /etc`,
    `sh ${file}`,
    `cp -a /etc/systemd/network/*ringfence* ${network}`,
    `cp -a /etc/systemd/system ${network}/..`,
    `cp -a /etc/ringfence ${network}/../..`,
  ]
  const variables = Object.entries({ ...environment, PATH: `${bin}:${process.env.PATH}` })
  const given = variables.map(([name, value]) => `${name}=${value}`)
  const said = await home.run('env', ...given, 'unshare', '-m', 'sh', '-euc', steps.join('\n'))
  return { said, told: readFileSync(told!, 'utf8').trimEnd().split('\n') }
}

async function startTunnel(home: Namespace, tunnel: string, root: string): Promise<void> {
  const netdev = readSystemdFile(readFileSync(join(root, 'etc/systemd/network/60-ringfence-tunnel.netdev'), 'utf8'))
  const one = (section: string, key: string) => {
    const [value, ...more] = valuesIn(netdev, section, key)
    if (value === undefined || more.length > 0) throw new Error(`not one ${key} in [${section}]`)
    return value
  }
  home.start('wireguard-go', '-f', tunnel)
  await until(() => existsSync(`/var/run/wireguard/${tunnel}.sock`))
  const peer = (key: string) => one('WireGuardPeer', key)
  await home.run(
    'wg',
    'set',
    tunnel,
    'private-key',
    root + one('WireGuard', 'PrivateKeyFile'),
    'peer',
    peer('PublicKey'),
    'preshared-key',
    root + peer('PresharedKeyFile'),
    'allowed-ips',
    valuesIn(netdev, 'WireGuardPeer', 'AllowedIPs').join(','),
    'endpoint',
    peer('Endpoint'),
    'persistent-keepalive',
    peer('PersistentKeepalive'),
  )
  await home.run('ip', 'link', 'set', tunnel, 'mtu', one('NetDev', 'MTUBytes'))
}

/**
 * A shell's words that run systemd-networkd on a copy of that folder's `.network` files. A read-only /sys tells it that no udev
 * will ever speak of the devices. Of the tunnel it must take what is there: hence no `.netdev`.
 */
function networkdAlone(folder: string): string {
  return [
    'mount -t tmpfs -o mode=755 tmpfs /etc/systemd/network',
    `cp ${folder}/*.network /etc/systemd/network/`,
    'chmod 644 /etc/systemd/network/*',
    'mkdir -p /run/systemd',
    'mount -t tmpfs -o mode=755 tmpfs /run/systemd',
    'mount -o remount,ro /sys',
    `exec ${networkd}`,
  ].join(' && ')
}

/** What systemd-networkd says of these files when it reads all of them, in a place where there is nothing to set up. */
export async function readByNetworkd(place: Namespace, folder: string): Promise<string> {
  const reading = networkdAlone(folder)
    .replace('*.network', '*')
    .replace('chmod 644', 'chgrp systemd-network /etc/systemd/network/* && chmod 640')
    .replace('exec ', 'SYSTEMD_LOG_LEVEL=debug SYSTEMD_LOG_TARGET=console timeout 3 ')
  return place.run('unshare', '-m', 'sh', '-c', `${reading} 2>&1 || true`)
}

async function plugIn(
  network: Network,
  home: Namespace,
  bridge: string,
  mac: string,
  folder: string,
  log: string,
): Promise<LeasedPhone> {
  const place = await network.namespace('desk')
  const [here, there] = [uniqueName('rfp'), uniqueName('rfq')]
  await home.run('ip', 'link', 'add', here, 'type', 'veth', 'peer', 'name', there, 'netns', place.name)
  await home.run('ip', 'link', 'set', here, 'master', bridge, 'up')
  await place.run('ip', 'link', 'set', there, 'address', mac.replace(/..(?!$)/g, '$&:'), 'up')
  const lease = await askForAddress(place, there, mkdtempSync(join(folder, 'phone-')))
  const names = join('/etc/netns', place.name)
  mkdirSync(names, { recursive: true })
  network.defer(async () => rmSync(names, { recursive: true, force: true }))
  writeFileSync(join(names, 'hosts'), '127.0.0.1 localhost\n')
  writeFileSync(join(names, 'resolv.conf'), `nameserver ${lease.get('dns')}\n`)
  const hex = lease.get('opt160')
  // busybox shows only a name of a host as option 66, and an address is none: dnsmasq tells what it sent.
  const sent = [...readFileSync(log, 'utf8').matchAll(/option: 66 tftp-server +(\S+)/g)].at(-1)
  return {
    place,
    agent: await place.agent(),
    address: lease.get('ip')!,
    options: {
      66: sent?.[1] ?? null,
      160: hex === undefined ? null : Buffer.from(hex, 'hex').toString(),
      42: lease.get('ntpsrv') ?? null,
    },
  }
}

/** By name of the variable in busybox's udhcpc. */
async function askForAddress(place: Namespace, device: string, folder: string): Promise<ReadonlyMap<string, string>> {
  const [script, told] = [join(folder, 'lease.sh'), join(folder, 'lease')]
  const words = `ip addr add "$ip/$mask" dev "$interface" && ip route add default via "$router" && env >'${told}'`
  writeFileSync(script, `#!/bin/sh\n[ "$1" = bound ] || exit 0\n${words}\n`, { mode: 0o755 })
  const asked = ['-O', 'tftp', '-O', 'ntpsrv', '-O', '160']
  await place.run('busybox', 'udhcpc', '-i', device, '-s', script, '-f', '-q', '-n', '-t', '8', '-T', '1', ...asked)
  const lines = readFileSync(told, 'utf8').split('\n')
  return new Map(lines.map((line) => [line.replace(/=.*/, ''), line.replace(/^[^=]*=/, '')]))
}
