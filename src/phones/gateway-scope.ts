import { formatAddress, hubAddress, parsePrefix } from '../domain/address.ts'
import { Secret } from '../domain/secret.ts'
import type { GatewayScriptValues, GatewayValues } from './phone-port.ts'

/** The names that a gateway's instructions see; docs/templates.md lists them. */
export function gatewayScope(values: GatewayValues): object {
  return {
    tunnelAddresses: values.tunnelAddresses,
    allowedIps: values.allowedIps,
    hubEndpoint: values.hubEndpoint,
    phoneNetworks: values.phoneSubnets.map(networkOf),
    reservations: values.reservations.map(({ mac, address, model }) => ({
      mac,
      macColons: mac.replace(/..(?!$)/g, '$&:'),
      address,
      model,
    })),
    door: { ...values.door },
    pbx: { ...values.pbx },
    timeServer: values.timeServer,
    staticNames: [
      ...namesOf(values.door.host, values.door.addresses),
      ...namesOf(values.pbx.host, values.pbx.sipAddress === null ? [] : [values.pbx.sipAddress]),
    ],
  }
}

/**
 * The same for a script. The phone network is IPv4, so it is set up for IPv4 only: an address of the other family that slipped
 * into a rule for this one would stop the whole script.
 */
export function gatewayScriptScope(values: GatewayScriptValues): object {
  const [, host = '', port = ''] = /^\[?([^\]]+)\]?:(\d+)$/.exec(values.hubEndpoint) ?? []
  const { hubPublicKey: publicKey, presharedKey, keyUrl } = values
  const ipv4: GatewayValues = {
    ...values,
    tunnelAddresses: values.tunnelAddresses.filter(isIpv4),
    allowedIps: values.allowedIps.filter(isIpv4),
    door: { ...values.door, addresses: values.door.addresses.filter(isIpv4) },
    pbx: { ...values.pbx, address: onlyIpv4(values.pbx.address), sipAddress: onlyIpv4(values.pbx.sipAddress) },
    timeServer: onlyIpv4(values.timeServer),
  }
  return { ...gatewayScope(ipv4), hub: { publicKey, host, port: Number(port) }, presharedKey, keyUrl }
}

function networkOf(subnet: string): object {
  const prefix = parsePrefix(subnet)
  if (prefix === null) return { subnet, address: '', gatewayAddress: '', length: 32, netmask: '' }
  return {
    subnet,
    address: formatAddress(prefix.family, prefix.base),
    gatewayAddress: hubAddress(prefix),
    length: prefix.length,
    netmask: prefix.family === 4 ? formatAddress(4, 0xffff_ffffn ^ (prefix.end - prefix.base)) : '',
  }
}

/** What the gateway's own name service answers by itself; a host that is an address already has no name. */
function namesOf(name: string, addresses: readonly string[]): readonly object[] {
  return parsePrefix(name) === null ? addresses.map((address) => ({ name, address })) : []
}

function isIpv4(text: string): boolean {
  return parsePrefix(text)?.family === 4
}

function onlyIpv4(address: string | null): string | null {
  return address !== null && isIpv4(address) ? address : null
}

// What a template is tried with when it is loaded: with all there is, and without what may be missing.
const sample: GatewayScriptValues = {
  tunnelAddresses: ['10.77.0.40/32'],
  allowedIps: ['10.77.0.1/32'],
  hubEndpoint: 'vpn.example.com:51820',
  phoneSubnets: ['10.78.0.0/28'],
  reservations: [{ mac: '001122334455', address: '10.78.0.2', model: 'yealink-t54w' }],
  door: {
    host: 'phones.example.com',
    port: 443,
    addresses: ['203.0.113.5'],
    phonesUrl: new Secret('https://phones.example.com/p/sample/'),
  },
  pbx: {
    host: 'pbx.example.com',
    address: '10.90.0.2',
    sipAddress: '10.90.0.2',
    ports: [5061, 5062],
    rtpFrom: 10000,
    rtpTo: 20000,
  },
  timeServer: '10.90.0.3',
  hubPublicKey: 'c2FtcGxlc2FtcGxlc2FtcGxlc2FtcGxlc2FtcGxlc2E=',
  presharedKey: new Secret('sample'),
  keyUrl: new Secret('https://phones.example.com/k/sample'),
}
export const sampleGateways: readonly GatewayScriptValues[] = [
  sample,
  { ...sample, timeServer: null, reservations: [] },
  { ...sample, pbx: { ...sample.pbx, sipAddress: '10.90.0.4' } },
  { ...sample, pbx: { ...sample.pbx, address: null, sipAddress: null }, door: { ...sample.door, addresses: [] } },
]
