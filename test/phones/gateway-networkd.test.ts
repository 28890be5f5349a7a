import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { loadCatalogue } from '../../src/phones/catalogue.ts'
import type { GatewayScriptValues } from '../../src/phones/phone-port.ts'
import { programPath } from '../setup/programs.ts'
import { requires } from '../setup/requirements.ts'
import { anotherPresharedKey, gatewayValues } from './gateway-values.ts'
import { templatesFolder } from './sample-values.ts'
import { readSystemdFile, valuesIn } from './systemd-files.ts'

const catalogue = await loadCatalogue(templatesFolder)
const script = (changes: Partial<GatewayScriptValues> = {}) =>
  catalogue.gatewayScript('gateway-networkd', gatewayValues(changes))!

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

interface Written {
  readonly root: string
  readonly status: number | null
  readonly output: string
  read(path: string): string
}

/** Runs the script so that it only writes its files. */
function write(text: string, environment: Readonly<Record<string, string>> = {}, root = newFolder()): Written {
  const { status, stdout, stderr } = spawnSync('/bin/sh', ['-s'], {
    input: text,
    encoding: 'utf8',
    env: { PATH: process.env.PATH, ROOT: root, ...environment },
  })
  return { root, status, output: stdout + stderr, read: (path) => readFileSync(join(root, path), 'utf8') }
}

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ringfence-networkd-'))
  folders.push(folder)
  return folder
}

const network = 'etc/systemd/network'
const wg = programPath('wg')
const dnsmasq = programPath('dnsmasq')
const analyze = programPath('systemd-analyze')

describe.skipIf(!wg)('the files for a Debian gateway [needs wg]', () => {
  test('are a tunnel to the hub that routes only what is behind it', () => {
    const { status, read } = write(script())
    expect(status).toBe(0)
    const netdev = readSystemdFile(read(`${network}/60-ringfence-tunnel.netdev`))
    expect(netdev.map(({ name }) => name)).toEqual(['NetDev', 'WireGuard', 'WireGuardPeer'])
    expect(valuesIn(netdev, 'WireGuardPeer', 'AllowedIPs')).toEqual(['10.91.0.2/32', '10.77.0.1/32', '10.91.0.3/32'])
    expect(valuesIn(netdev, 'WireGuardPeer', 'Endpoint')).toEqual(['vpn.example.com:51820'])
    const tunnel = readSystemdFile(read(`${network}/60-ringfence-tunnel.network`))
    expect(valuesIn(tunnel, 'Network', 'Address')).toEqual(['10.77.0.40/32'])
    expect(valuesIn(tunnel, 'Route', 'Destination')).toEqual(['10.91.0.2/32', '10.77.0.1/32', '10.91.0.3/32'])
    const phones = readSystemdFile(read(`${network}/60-ringfence-phones.network`))
    expect(valuesIn(phones, 'Network', 'Address')).toEqual(['10.78.0.17/28'])
    expect(valuesIn(phones, 'Match', 'Name')).toEqual(['eth1'])
  })

  test('keep what is secret from everybody but root and networkd', () => {
    const { root } = write(script())
    const mode = (path: string) => (statSync(join(root, path)).mode & 0o777).toString(8)
    expect(mode(`${network}/ringfence.key`)).toBe('640')
    expect(mode(`${network}/ringfence.preshared`)).toBe('640')
    expect(mode('etc/ringfence/dnsmasq.conf')).toBe('600')
    const open = filesUnder(root).filter((path) => (statSync(path).mode & 0o004) !== 0)
    for (const path of open) expect(readFileSync(path, 'utf8'), path).not.toMatch(/Token|cHNrcHNr/)
  })

  test('keep their key for the same enrolment, and get a new one for another', () => {
    const { root, read, output } = write(script())
    const key = read(`${network}/ringfence.key`)
    expect(output).toContain(execFileSync('wg', ['pubkey'], { input: key, encoding: 'utf8' }).trim())
    write(script({ reservations: [] }), {}, root)
    expect(read(`${network}/ringfence.key`)).toBe(key)
    expect(read('etc/ringfence/dnsmasq.conf')).not.toContain('dhcp-host')
    write(script({ presharedKey: anotherPresharedKey }), {}, root)
    const next = read(`${network}/ringfence.key`)
    expect(next).not.toBe(key)
    // The way that docs/gateways.md names, for a key that somebody who left may know.
    rmSync(join(root, network, 'ringfence.key'))
    write(script({ presharedKey: anotherPresharedKey }), {}, root)
    expect(read(`${network}/ringfence.key`)).not.toBe(next)
  })

  test('can put the phones into a VLAN, and take that back', () => {
    const { root, read } = write(script(), { PHONES_PORT: 'eth2', PHONES_VLAN: '66' })
    expect(valuesIn(readSystemdFile(read(`${network}/60-ringfence-vlan.netdev`)), 'VLAN', 'Id')).toEqual(['66'])
    expect(valuesIn(readSystemdFile(read(`${network}/60-ringfence-vlan.network`)), 'Match', 'Name')).toEqual(['eth2'])
    expect(read('etc/ringfence/firewall.nft')).toContain('iifname "eth2.66"')
    write(script(), { PHONES_PORT: 'eth2' }, root)
    expect(readdirSync(join(root, network)).filter((name) => name.includes('vlan'))).toEqual([])
  })

  test('tell phones their address, their settings and two names, and strangers nothing', () => {
    const lines = write(script()).read('etc/ringfence/dnsmasq.conf').split('\n')
    expect(lines).toEqual(expect.arrayContaining(['no-resolv', 'no-hosts', 'interface=eth1', 'except-interface=lo']))
    expect(lines.filter((line) => line.startsWith('dhcp-'))).toEqual([
      'dhcp-leasefile=/run/ringfence-dnsmasq.leases',
      'dhcp-authoritative',
      'dhcp-range=10.78.0.16,static,255.255.255.240,12h',
      'dhcp-option=66,"https://phones.example.com:8443/p/DoorTokenOfTheGateway/"',
      'dhcp-option=160,"https://phones.example.com:8443/p/DoorTokenOfTheGateway/"',
      'dhcp-option=42,10.91.0.3',
      'dhcp-host=00:15:65:a1:b2:c3,10.78.0.18',
      'dhcp-host=00:0b:82:a1:b2:c4,10.78.0.19',
    ])
    expect(lines.filter((line) => line.startsWith('host-record='))).toEqual([
      'host-record=phones.example.com,203.0.113.5',
      'host-record=phones.example.com,203.0.113.6',
      'host-record=pbx.example.com,10.91.0.2',
    ])
  })

  test.skipIf(!dnsmasq)('are taken by dnsmasq [needs dnsmasq]', () => {
    const { root } = write(script())
    const { status, stderr } = spawnSync(dnsmasq!, ['--test', '-C', join(root, 'etc/ringfence/dnsmasq.conf')])
    expect(String(stderr)).toContain('syntax check OK')
    expect(status).toBe(0)
  })

  const nftGap = requires('nft').missing
  test.skipIf(nftGap)('are taken by nft, with and without a time server and a VLAN [needs nft]', () => {
    for (const [changes, environment] of [
      [{}, {}],
      [{ timeServer: null }, { PHONES_VLAN: '66' }],
    ] as const) {
      const { root } = write(script(changes), environment)
      const check = ['--net', 'nft', '-c', '-f', join(root, 'etc/ringfence/firewall.nft')]
      expect(execFileSync('unshare', check, { encoding: 'utf8', stdio: 'pipe' })).toBe('')
    }
  })

  test.skipIf(!analyze)('are taken by systemd: the units [needs systemd-analyze]', () => {
    const { root } = write(script())
    const units = ['ringfence-firewall', 'ringfence-dnsmasq'].map(
      (name) => `${root}/etc/systemd/system/${name}.service`,
    )
    const { stdout, stderr } = spawnSync(analyze!, ['verify', '--man=no', ...units], { encoding: 'utf8' })
    const said = (stdout + stderr).split('\n').filter((line) => line.includes('ringfence-'))
    // A machine may lack the programs; the lines that systemd does not know are what is looked for.
    expect(said.filter((line) => !/is not executable|not found/.test(line))).toEqual([])
  })

  test.each([
    [
      'there is no PBX yet',
      { pbx: { ...gatewayValues().pbx, address: null, sipAddress: null } },
      {},
      /PBX has no IPv4 address/,
    ],
    ['the phone door has no address', { door: { ...gatewayValues().door, addresses: [] } }, {}, /led to no IPv4/],
    ['the port has no name of a port', {}, { PHONES_PORT: 'eth1"; drop' }, /no name has/],
    ['the VLAN is no number', {}, { PHONES_VLAN: '66x' }, /is no number/],
  ])('are not written when %s', (_, changes, environment, message) => {
    const { root, status, output } = write(script(changes), environment)
    expect(status).toBe(1)
    expect(output).toMatch(message)
    expect(readdirSync(root)).toEqual([])
  })
})

function filesUnder(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}
