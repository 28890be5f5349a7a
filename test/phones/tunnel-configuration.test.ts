import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import type { TunnelConfiguration } from '../../src/phones/phone-port.ts'
import { tunnelConfiguration } from '../../src/phones/tunnel-configuration.ts'
import { describeLive } from '../setup/requirements.ts'

const aKey = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .filter((bytes) => bytes.some((byte) => byte !== 0))
  .map((bytes) => Buffer.from(bytes).toString('base64'))
const octet = fc.integer({ min: 0, max: 255 })
const ipv4 = fc.tuple(octet, octet, octet, octet).map((octets) => octets.join('.'))
const host = fc.oneof(ipv4, fc.constantFrom('vpn.example.com', '[2001:db8::1]', 'a'))
const port = fc.integer({ min: 1, max: 65_535 })

const configuration: fc.Arbitrary<TunnelConfiguration> = fc
  .record({
    privateKey: aKey.map((text) => new Secret(text)),
    presharedKey: aKey.map((text) => new Secret(text)),
    hubPublicKey: aKey,
    four: ipv4,
    six: fc.boolean(),
    allowed: fc.uniqueArray(ipv4, { minLength: 1, maxLength: 3 }),
    host,
    port,
  })
  .map(({ four, six, allowed, host, port, ...keys }) => ({
    ...keys,
    addresses: [`${four}/32`, ...(six ? ['fd00:77::12/128'] : [])],
    allowedIps: [...allowed.map((address) => `${address}/32`), ...(six ? ['fd00:77::1/128'] : [])],
    hubEndpoint: `${host}:${port}`,
  }))

// wg(8) and wg-quick(8); the value of each key as the apps for iOS and Android take it, each key once.
const base64Key = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/
const addressList = /^[0-9a-f.:]+\/\d{1,3}(, [0-9a-f.:]+\/\d{1,3})*$/
const grammar: Readonly<Record<string, Readonly<Record<string, RegExp>>>> = {
  Interface: { PrivateKey: base64Key, Address: addressList, MTU: /^(1280|1420)$/ },
  Peer: {
    PublicKey: base64Key,
    PresharedKey: base64Key,
    AllowedIPs: addressList,
    Endpoint: /^([A-Za-z0-9.-]+|\[[0-9a-f:]+\]):\d{1,5}$/,
    PersistentKeepalive: /^25$/,
  },
}

function parseStrictly(text: string): Readonly<Record<string, Readonly<Record<string, string>>>> {
  const sections: Record<string, Record<string, string>> = {}
  let current: Record<string, string> | undefined
  let section = ''
  for (const line of text.split('\n')) {
    if (line === '') continue
    const title = /^\[(\w+)\]$/.exec(line)
    if (title) {
      section = title[1]!
      if (sections[section] || !grammar[section]) throw new Error(`section ${section}`)
      current = sections[section] = {}
      continue
    }
    const [, name, value] = /^(\w+) = (.+)$/.exec(line) ?? []
    if (!current || !name || !value || name in current) throw new Error(`line ${line}`)
    if (!grammar[section]![name]?.test(value)) throw new Error(`value of ${name}`)
    current[name] = value
  }
  return sections
}

const sample: TunnelConfiguration = {
  privateKey: new Secret(Buffer.alloc(32, 1).toString('base64')),
  presharedKey: new Secret(Buffer.alloc(32, 2).toString('base64')),
  hubPublicKey: Buffer.alloc(32, 3).toString('base64'),
  addresses: ['10.77.0.12/32'],
  allowedIps: ['10.77.0.1/32', '10.0.0.9/32'],
  hubEndpoint: 'vpn.example.com:51820',
}

describe('the tunnel file', () => {
  test('reads back as what was put in, with only the keys that every app takes', () => {
    fc.assert(
      fc.property(configuration, fc.constantFrom('handset' as const, 'gateway' as const), (tunnel, carrier) => {
        const { Interface, Peer } = parseStrictly(tunnelConfiguration(tunnel, carrier))
        expect(Interface).toEqual({
          PrivateKey: tunnel.privateKey!.reveal(),
          Address: tunnel.addresses.join(', '),
          MTU: carrier === 'gateway' ? '1420' : '1280',
        })
        expect(Peer).toEqual({
          PublicKey: tunnel.hubPublicKey,
          PresharedKey: tunnel.presharedKey.reveal(),
          AllowedIPs: tunnel.allowedIps.join(', '),
          Endpoint: tunnel.hubEndpoint,
          PersistentKeepalive: '25',
        })
      }),
    )
  })

  test('sends neither all traffic nor name look-ups into the tunnel', () => {
    const text = tunnelConfiguration(sample, 'handset')
    expect(text).not.toMatch(/DNS|0\.0\.0\.0\/0|::\/0|Table|PostUp|#/)
  })

  test('gives prefixes in canonical form, each once', () => {
    const text = tunnelConfiguration({ ...sample, allowedIps: ['10.77.0.9/24', '10.77.0.0/24', 'FD00::1'] }, 'gateway')
    expect(text).toContain('AllowedIPs = 10.77.0.0/24, fd00::1/128\n')
  })

  test.each([
    ['a line break in the endpoint', { hubEndpoint: 'vpn.example.com:51820\nPostUp = reboot' }],
    ['an endpoint without a port', { hubEndpoint: 'vpn.example.com' }],
    ['a port that does not exist', { hubEndpoint: 'vpn.example.com:70000' }],
    ['no addresses', { addresses: [] }],
    ['a whole network as its own address', { addresses: ['10.77.0.12/16'] }],
    ['words as a prefix', { allowedIps: ['the office'] }],
    ['half a key', { hubPublicKey: 'abc=' }],
    ['a private key that is none', { privateKey: new Secret('hush') }],
  ])('is refused with %s, and the error holds no value', (_, change) => {
    const make = () => tunnelConfiguration({ ...sample, ...change }, 'handset')
    expect(make).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }))
    expect(make).not.toThrow(/hush|reboot/)
  })
})

describeLive('wg itself', ['wg'], () => {
  // wg takes the peer part; Address and MTU are wg-quick's. `wg setconf` on an interface that does not exist still reads the
  // whole file first, so what it complains of tells whether it took every line.
  test('accepts the file line by line, and nothing more', () => {
    const taken = tunnelConfiguration({ ...sample, hubEndpoint: '127.0.0.1:51820' }, 'handset').replace(
      /^(Address|MTU) = .*\n/gm,
      '',
    )
    const folder = mkdtempSync(join(tmpdir(), 'ringfence-wg-'))
    const setconf = (text: string) => {
      const path = join(folder, 'tunnel.conf')
      writeFileSync(path, text, { mode: 0o600 })
      return spawnSync('wg', ['setconf', `rfnone${process.pid}`.slice(0, 15), path], { encoding: 'utf8' }).stderr
    }
    try {
      expect(setconf(taken)).toMatch(/Unable to modify interface/)
      expect(setconf(`${taken}PostUp = true\n`)).toMatch(/Line unrecognized/)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
