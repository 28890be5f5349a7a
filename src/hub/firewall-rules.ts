/**
 * The one nftables table of the hub, as text. Pure: settings in, rules out.
 *
 * - Default drop for what enters or leaves by the hub interface, and for nothing else: the base chains keep policy accept
 *   and only jump for that interface.
 * - Membership is asked before the connection's state: an expelled handset's running calls end with the next packet,
 *   in both directions.
 * - From handsets nothing is let in for being an established connection: each packet must go to a service, so that a
 *   changed setting holds at once.
 * - Every handset may reach every PBX: which one takes it is for its secret and its certificate to say.
 * - That a packet's source is the sender's own is WireGuard's doing (allowed IPs).
 */
import { hubAddress, parsePrefix } from '../domain/address.ts'
import type { HubSettings } from './hub-settings.ts'

export const admittedSets = { 4: 'admitted4', 6: 'admitted6' } as const

/** The sets in which connections to the PBX are counted, by who makes them. */
const countingSets = { 4: 'sip4', 6: 'sip6' } as const

/**
 * SIP connections that a handset may have at one time. It needs one or two, but those that it lost without a word (another
 * network, no power) count until the PBX gives them up, an hour later.
 */
export const connectionsPerHandset = 64

type RuleSettings = Omit<HubSettings, 'socketPath' | 'socketMode' | 'dataFolder' | 'mtu' | 'mode' | 'listenPort'>

export function tableName(interfaceName: string): string {
  return `ringfence_${interfaceName}`
}

/**
 * The script for `nft -f` that puts the whole table there in one transaction, with these prefixes admitted. `limited`: with
 * the limit on connections, which not every kernel can count.
 */
export function tableScript(settings: RuleSettings, admitted: readonly string[], limited: boolean): string {
  const table = `inet ${tableName(settings.interface)}`
  // Naming the table first makes the delete work whether it was there or not.
  return `table ${table}\ndelete table ${table}\n${tableText(settings, admitted, limited)}`
}

/** The script that takes elements out and puts others in, in one transaction. Empty when there is nothing to do. */
export function elementsScript(interfaceName: string, remove: readonly string[], add: readonly string[]): string {
  const lines = (deed: 'add' | 'delete', texts: readonly string[]) =>
    ([4, 6] as const).flatMap((family) => {
      const mine = texts.filter((text) => familyOf(text) === family)
      return mine.length === 0
        ? []
        : [`${deed} element inet ${tableName(interfaceName)} ${admittedSets[family]} { ${mine.join(', ')} }\n`]
    })
  return [...lines('delete', remove), ...lines('add', add)].join('')
}

function tableText(settings: RuleSettings, admitted: readonly string[], limited: boolean): string {
  const limits = limited ? connectionLimits(settings) : []
  const hub = `"${settings.interface}"`
  const chains = [
    baseChain('input', 'input', [`iifname ${hub} counter jump from_handsets`]),
    baseChain('output', 'output', [`oifname ${hub} counter jump to_handsets`]),
    baseChain('forward', 'forward', [
      `iifname ${hub} oifname ${hub} counter drop`,
      `iifname ${hub} counter jump from_handsets`,
      `oifname ${hub} counter jump to_handsets`,
    ]),
    chain('from_handsets', [...membership('saddr'), pathErrors, ...limits, ...services(settings), 'counter drop']),
    chain('to_handsets', [
      ...membership('daddr'),
      'ct state established,related counter accept',
      ...mediaFromPbx(settings),
      'counter drop',
    ]),
    ...(settings.masquerade ? [masquerading(settings)] : []),
  ]
  const sets = ([4, 6] as const).flatMap((family) => [
    elementSet(family, admitted),
    ...(limits.length > 0 ? [countingSet(family)] : []),
  ])
  return `table inet ${tableName(settings.interface)} {\n${[...sets, ...chains].join('')}}\n`
}

function membership(side: 'saddr' | 'daddr'): string[] {
  return [`ip ${side} != @${admittedSets[4]} counter drop`, `ip6 ${side} != @${admittedSets[6]} counter drop`]
}

// Without "too big" and "unreachable" a path with a smaller MTU swallows large packets in silence.
const pathErrors = 'ct state related meta l4proto { icmp, ipv6-icmp } counter accept'

/** A handset that opens connection after connection would shut all others out of the PBX. */
function connectionLimits({ pbxs, edge }: RuleSettings): string[] {
  const ports = [...new Set([...pbxs.flatMap((pbx) => pbx.ports), ...(edge?.ports ?? [])])]
  if (ports.length === 0) return []
  return ([4, 6] as const).map((family) => {
    const counted = `${family === 4 ? 'ip' : 'ip6'} saddr ct count over ${connectionsPerHandset}`
    return `tcp dport { ${ports.join(', ')} } ct state new add @${countingSets[family]} { ${counted} } counter drop`
  })
}

function services(settings: RuleSettings): string[] {
  const { pbxs, edge, doorPort, timeServers, nameServers } = settings
  const hubAddresses = settings.subnets.map((subnet) => hubAddress(parsePrefix(subnet)!))
  return [
    ...pbxs.flatMap(({ address, ports, rtpFrom, rtpTo }) => [
      ...(ports.length > 0 ? [`${to([address])} tcp dport { ${ports.join(', ')} } counter accept`] : []),
      `${to([address])} udp dport ${rtpFrom}-${rtpTo} counter accept`,
    ]),
    ...(edge === null ? [] : [`${to([edge.address])} tcp dport { ${edge.ports.join(', ')} } counter accept`]),
    ...(doorPort === null ? [] : perFamily(hubAddresses, `tcp dport ${doorPort} counter accept`)),
    ...perFamily(timeServers, 'udp dport 123 counter accept'),
    ...perFamily(nameServers, 'udp dport 53 counter accept'),
    ...perFamily(nameServers, 'tcp dport 53 counter accept'),
  ]
}

function mediaFromPbx({ pbxs }: RuleSettings): string[] {
  return pbxs.map(({ address, rtpFrom, rtpTo }) => {
    const source = `${familyOf(address) === 4 ? 'ip' : 'ip6'} saddr ${address}`
    return `${source} udp sport ${rtpFrom}-${rtpTo} counter accept`
  })
}

function masquerading(settings: RuleSettings): string {
  const subnets = [...settings.subnets, ...settings.phoneSubnets]
  const rules = ([4, 6] as const).flatMap((family) => {
    const mine = subnets.filter((subnet) => familyOf(subnet) === family)
    const source = `${family === 4 ? 'ip' : 'ip6'} saddr { ${mine.join(', ')} }`
    return mine.length === 0 ? [] : [`oifname != "${settings.interface}" ${source} counter masquerade`]
  })
  return `  chain leaving {\n    type nat hook postrouting priority srcnat; policy accept;\n${indented(rules)}  }\n`
}

function perFamily(addresses: readonly string[], rest: string): string[] {
  return ([4, 6] as const).flatMap((family) => {
    const mine = addresses.filter((address) => familyOf(address) === family)
    return mine.length === 0 ? [] : [`${to(mine)} ${rest}`]
  })
}

/** The addresses are of one family. */
function to(addresses: readonly string[]): string {
  return `${familyOf(addresses[0]!) === 4 ? 'ip' : 'ip6'} daddr { ${addresses.join(', ')} }`
}

function elementSet(family: 4 | 6, admitted: readonly string[]): string {
  const mine = admitted.filter((text) => familyOf(text) === family)
  const elements = mine.length === 0 ? '' : `    elements = { ${mine.join(', ')} }\n`
  return `  set ${admittedSets[family]} {\n    type ipv${family}_addr\n    flags interval\n${elements}  }\n`
}

function countingSet(family: 4 | 6): string {
  return `  set ${countingSets[family]} {\n    type ipv${family}_addr\n    flags dynamic\n  }\n`
}

function baseChain(name: string, hook: string, rules: readonly string[]): string {
  return `  chain ${name} {\n    type filter hook ${hook} priority filter; policy accept;\n${indented(rules)}  }\n`
}

function chain(name: string, rules: readonly string[]): string {
  return `  chain ${name} {\n${indented(rules)}  }\n`
}

function indented(rules: readonly string[]): string {
  return rules.map((rule) => `    ${rule}\n`).join('')
}

function familyOf(text: string): 4 | 6 {
  return text.includes(':') ? 6 : 4
}
