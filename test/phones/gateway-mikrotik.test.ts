import { describe, expect, test } from 'vitest'
import { loadCatalogue } from '../../src/phones/catalogue.ts'
import type { GatewayScriptValues } from '../../src/phones/phone-port.ts'
import { gatewayValues } from './gateway-values.ts'
import { type RouterOsCommand, readRouterOs } from './router-os.ts'
import { templatesFolder } from './sample-values.ts'

const catalogue = await loadCatalogue(templatesFolder)
const script = (changes: Partial<GatewayScriptValues> = {}) =>
  catalogue.gatewayScript('gateway-mikrotik', gatewayValues(changes))!

const commands = readRouterOs(script())
const valuesOf = (name: string) => commands.filter((command) => command.name === name).map(({ values }) => values)

describe('the script for a MikroTik router', () => {
  test('leaves the private key to the router', () => {
    expect(valuesOf('/interface wireguard add')).toEqual([{ name: 'ringfence', mtu: '1420', comment: 'ringfence' }])
    expect(script()).not.toContain('private-key')
  })

  test('dials the hub, and routes only what is behind it into the tunnel', () => {
    expect(valuesOf('/interface wireguard peers add')).toEqual([
      {
        interface: 'ringfence',
        'public-key': 'aHViaHViaHViaHViaHViaHViaHViaHViaHViaHViaHU=',
        'preshared-key': '$presharedKey',
        'endpoint-address': 'vpn.example.com',
        'endpoint-port': '51820',
        'persistent-keepalive': '25s',
        'allowed-address': '10.91.0.2/32,10.77.0.1/32,10.91.0.3/32',
        comment: 'ringfence',
      },
    ])
    expect(valuesOf('/ip route add').map((route) => `${route['dst-address']} ${route.gateway}`)).toEqual([
      '10.91.0.2/32 ringfence',
      '10.77.0.1/32 ringfence',
      '10.91.0.3/32 ringfence',
    ])
    expect(valuesOf('/ip address add').map((entry) => `${entry.address} ${entry.interface}`)).toEqual([
      '10.77.0.40/32 ringfence',
      '10.78.0.17/28 $phones',
    ])
  })

  test('gives each phone its reserved address, and strangers none', () => {
    expect(valuesOf('/ip dhcp-server lease add').map((lease) => `${lease['mac-address']} ${lease.address}`)).toEqual([
      '00:15:65:a1:b2:c3 10.78.0.18',
      '00:0b:82:a1:b2:c4 10.78.0.19',
    ])
    expect(valuesOf('/ip dhcp-server add')[0]).toMatchObject({ 'address-pool': 'static-only' })
    expect(valuesOf('/ip dhcp-server network add')[0]).toMatchObject({
      address: '10.78.0.16/28',
      gateway: '10.78.0.17',
      'dns-server': '10.78.0.17',
      'ntp-server': '10.91.0.3',
      'dhcp-option': 'ringfence-66,ringfence-160',
    })
    expect(valuesOf('/ip dhcp-server option add').map(({ code, value }) => `${code} ${value}`)).toEqual([
      "66 'https://phones.example.com:8443/p/DoorTokenOfTheGateway/'",
      "160 'https://phones.example.com:8443/p/DoorTokenOfTheGateway/'",
    ])
    expect(valuesOf('/ip dns static add').map(({ name, address }) => `${name} ${address}`)).toEqual([
      'phones.example.com 203.0.113.5',
      'phones.example.com 203.0.113.6',
      'pbx.example.com 10.91.0.2',
    ])
  })

  test('lets through what phones need, and ends each of its chains with a drop', () => {
    const rules = valuesOf('/ip firewall filter add')
    const chain = (name: string) => rules.filter((rule) => rule.chain === name).map(brief)
    expect(chain('ringfence-phones')).toEqual([
      'out-interface=ringfence dst-address=10.91.0.2 connection-state=established,related accept',
      'out-interface=ringfence dst-address=10.91.0.2 protocol=tcp dst-port=5061,5062 accept',
      'out-interface=ringfence dst-address=10.91.0.2 protocol=udp dst-port=10000-20000 accept',
      'out-interface=ringfence dst-address=10.91.0.3 protocol=udp dst-port=123 accept',
      'out-interface=!ringfence dst-address=203.0.113.5 protocol=tcp dst-port=8443 accept',
      'out-interface=!ringfence dst-address=203.0.113.6 protocol=tcp dst-port=8443 accept',
      'drop',
    ])
    expect(chain('ringfence-tunnel')).toEqual([
      'out-interface=$phones src-address=10.91.0.2 accept',
      'out-interface=$phones src-address=10.91.0.3 connection-state=established accept',
      // "Too big" and "unreachable" from on the way.
      'out-interface=$phones protocol=icmp connection-state=related accept',
      'drop',
    ])
    expect(chain('ringfence-home').at(-1)).toBe('drop')
    expect(
      chain('ringfence-home')
        .slice(0, -1)
        .every((rule) => rule.includes('connection-state=established')),
    ).toBe(true)
    expect(chain('ringfence-input')).toEqual([
      'in-interface=$phones protocol=udp dst-port=53,67 accept',
      'in-interface=$phones protocol=tcp dst-port=53 accept',
      'drop',
    ])
    // Whatever way a packet takes, exactly one jump is for it.
    expect(chain('forward')).toEqual([
      'in-interface=$phones jump ringfence-phones',
      'in-interface=ringfence jump ringfence-tunnel',
      'in-interface=!ringfence out-interface=$phones jump ringfence-home',
      'in-interface=!$phones out-interface=ringfence jump ringfence-home',
    ])
    expect(valuesOf('/ip firewall nat add').map(brief)).toEqual([
      'out-interface=ringfence accept',
      'src-address=10.78.0.16/28 out-interface=!ringfence masquerade',
    ])
  })

  test('marks all that it makes, and removes what has the mark before it makes it anew', () => {
    const made = commands.filter(({ name }) => name.endsWith(' add'))
    for (const { name, values } of made) expect(values.comment ?? values.name?.split('-')[0], name).toBe('ringfence')
    const removed = new Set(commands.filter(({ name }) => name.endsWith(' remove')).map(menuOf))
    for (const command of made) expect(removed, command.name).toContain(menuOf(command))
    const order = commands.map(({ name }) => name)
    for (const menu of removed) expect(order.lastIndexOf(`${menu} remove`)).toBeLessThan(order.indexOf(`${menu} add`))
  })

  test('hands the public key over only to a door whose certificate was checked', () => {
    const [fetched] = valuesOf('/tool fetch')
    expect(fetched).toMatchObject({
      url: 'https://phones.example.com:8443/k/KeyTokenOfTheGateway',
      'http-method': 'post',
      'check-certificate': 'yes-without-crl',
    })
    expect(script()).toContain('for the command ringfence gateway key: $publicKey')
  })

  test('does without a time server where there is none', () => {
    const without = readRouterOs(script({ timeServer: null }))
    expect(JSON.stringify(without)).not.toMatch(/ntp-server|"123"/)
  })

  test.each([
    ['there is no PBX yet', { pbx: { ...gatewayValues().pbx, address: null } }, /PBX has no IPv4 address/],
    ['the phone door has no address', { door: { ...gatewayValues().door, addresses: [] } }, /led to no IPv4 address/],
  ])('has nothing but an error in it when %s', (_, changes, message) => {
    const names = readRouterOs(script(changes)).map(({ name }) => name)
    expect(names.filter((name) => name !== ':local')).toEqual([':error'])
    expect(script(changes)).toMatch(message)
  })
})

test.each([
  ['a bracket that is not closed', '/ip address remove [find comment="x"'],
  ['a quotation mark that is not closed', ':put "hello'],
  ['a parameter given twice', '/ip address add address=10.0.0.1/32 address=10.0.0.2/32'],
  ['words that are no command', 'hello world'],
])("the tests' own reader of RouterOS refuses %s", (_, text) => {
  expect(() => readRouterOs(text)).toThrow()
})

function menuOf({ name }: RouterOsCommand): string {
  return name.replace(/ (add|remove)$/, '')
}

/** Without the chain and the mark. */
function brief({
  chain: _,
  comment: __,
  action,
  'jump-target': target,
  ...rest
}: Readonly<Record<string, string>>): string {
  return [...Object.entries(rest).map(([key, value]) => `${key}=${value}`), action, target].filter(Boolean).join(' ')
}
