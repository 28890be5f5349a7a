import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { loadCatalogue } from '../../src/phones/catalogue.ts'
import type { GatewayScriptValues } from '../../src/phones/phone-port.ts'
import { programPath } from '../setup/programs.ts'
import { anotherPresharedKey, gatewayValues } from './gateway-values.ts'
import { openRouter, type Router } from './router-programs.ts'
import { templatesFolder } from './sample-values.ts'
import type { UciSection } from './uci-config.ts'

const catalogue = await loadCatalogue(templatesFolder)
const script = (changes: Partial<GatewayScriptValues> = {}) =>
  catalogue.gatewayScript('gateway-openwrt', gatewayValues(changes))!

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

function router(programs = ['curl', 'reload_config'], shell: readonly string[] = ['/bin/sh']): Router {
  const folder = mkdtempSync(join(tmpdir(), 'ringfence-router-'))
  folders.push(folder)
  return openRouter(folder, shell, programs)
}

const busybox = programPath('busybox')
const wg = programPath('wg')

describe.skipIf(!wg)('the script for an OpenWrt router [needs wg]', () => {
  const shells: [string, readonly string[]][] = [['sh', ['/bin/sh']]]
  if (busybox) shells.push(['busybox sh, the shell of OpenWrt', [busybox, 'sh']])

  test.each(shells)('gives phones a network, addresses and rules of their own (%s)', async (_, shell) => {
    const place = router(undefined, shell)
    const { status, output } = await place.run(script())
    expect(output).toBe("ringfence: the phones' network is 10.78.0.16/28 on br-lan.66.\n")
    expect(status).toBe(0)
    const { committed, staged } = place.state
    expect(staged).toEqual(committed)
    const options = (key: string) => committed[key]?.options ?? {}

    expect(options('network.rf_tunnel')).toMatchObject({ proto: 'wireguard', addresses: ['10.77.0.40/32'] })
    expect(options('network.rf_hub')).toEqual({
      public_key: 'aHViaHViaHViaHViaHViaHViaHViaHViaHViaHViaHU=',
      preshared_key: 'cHNrcHNrcHNrcHNrcHNrcHNrcHNrcHNrcHNrcHNrcHM=',
      allowed_ips: ['10.91.0.2/32', '10.77.0.1/32', '10.91.0.3/32'],
      route_allowed_ips: '1',
      endpoint_host: 'vpn.example.com',
      endpoint_port: '51820',
      persistent_keepalive: '25',
    })
    expect(options('network.rf_phones')).toEqual({
      proto: 'static',
      device: 'br-lan.66',
      ipaddr: '10.78.0.17',
      netmask: '255.255.255.240',
    })
    const url = 'https://phones.example.com:8443/p/DoorTokenOfTheGateway/'
    expect(options('dhcp.rf_phones')).toMatchObject({
      dynamicdhcp: '0',
      dhcp_option: [`66,${url}`, `160,${url}`, '42,10.91.0.3'],
    })
    expect(ofType(committed, 'host')).toEqual([
      { mac: '00:15:65:a1:b2:c3', ip: '10.78.0.18' },
      { mac: '00:0b:82:a1:b2:c4', ip: '10.78.0.19' },
    ])
    expect(ofType(committed, 'domain')).toEqual([
      { name: 'phones.example.com', ip: '203.0.113.5' },
      { name: 'phones.example.com', ip: '203.0.113.6' },
      { name: 'pbx.example.com', ip: '10.91.0.2' },
    ])
  })

  test('lets through what phones need and nothing else', async () => {
    const place = router()
    await place.run(script(), { environment: { PHONES_DEVICE: 'lan4', WAN_ZONE: 'internet' } })
    const { committed } = place.state
    expect(committed['network.rf_phones']?.options.device).toBe('lan4')
    for (const zone of ofType(committed, 'zone'))
      expect(zone, String(zone.name)).toMatchObject({ input: 'REJECT', forward: 'REJECT' })
    expect(ofType(committed, 'zone').every((zone) => zone.masq === undefined)).toBe(true)
    expect(ofType(committed, 'forwarding')).toEqual([])
    const ipv4 = { family: 'ipv4', target: 'ACCEPT' }
    expect(ofType(committed, 'rule').map(({ name: _, ...rule }) => rule)).toEqual([
      { ...ipv4, src: 'rf_phones', proto: 'udp', dest_port: '67' },
      { ...ipv4, src: 'rf_phones', proto: 'tcp udp', dest_port: '53' },
      { ...ipv4, src: 'rf_phones', dest: 'rf_tunnel', dest_ip: '10.91.0.2', proto: 'tcp', dest_port: '5061 5062' },
      { ...ipv4, src: 'rf_phones', dest: 'rf_tunnel', dest_ip: '10.91.0.2', proto: 'udp', dest_port: '10000-20000' },
      { ...ipv4, src: 'rf_phones', dest: 'rf_tunnel', dest_ip: '10.91.0.3', proto: 'udp', dest_port: '123' },
      {
        ...ipv4,
        src: 'rf_phones',
        dest: 'internet',
        dest_ip: ['203.0.113.5', '203.0.113.6'],
        proto: 'tcp',
        dest_port: '8443',
      },
      { ...ipv4, src: 'rf_tunnel', src_ip: '10.91.0.2', dest: 'rf_phones', proto: 'all' },
    ])
  })

  test('hands over the public key of the key it made, with the secrets on no command line', async () => {
    const place = router()
    await place.run(script())
    const [call, reload] = place.calls
    expect(call?.program).toBe('curl')
    expect(call?.arguments.join(' ')).not.toMatch(/Token|publicKey/)
    expect(call?.input).toContain('url = "https://phones.example.com:8443/k/KeyTokenOfTheGateway"')
    expect(call?.input).toMatch(/^data-urlencode = "publicKey=[A-Za-z0-9+/]{43}="$/m)
    expect(reload?.program).toBe('reload_config')
  })

  test("uses the router's own wget where there is no curl, with the key as a form field", async () => {
    const place = router(['wget', 'reload_config'])
    expect((await place.run(script())).status).toBe(0)
    const [call] = place.calls
    expect(call?.arguments.at(-1)).toBe('https://phones.example.com:8443/k/KeyTokenOfTheGateway')
    expect(call?.arguments.at(-2)).toMatch(/^--post-data=publicKey=(?:[A-Za-z0-9]|%2B|%2F){43}%3D$/)
  })

  test('prints the public key for the administrator when it could not be handed over', async () => {
    const place = router()
    const { status, output } = await place.run(script(), { failing: 'curl' })
    expect(status).toBe(0)
    expect(output).toMatch(/ringfence gateway key: [A-Za-z0-9+/]{43}=\n/)
    expect(place.state.committed['network.rf_tunnel']).toBeDefined()
  })

  test('may be run again: the same enrolment keeps its key, a phone that left goes, and another enrolment gets a new key', async () => {
    const place = router()
    await place.run(script())
    const before = structuredClone(place.state.committed)
    await place.run(script({ reservations: gatewayValues().reservations.slice(1) }))
    const { 'dhcp.rf_host_001565a1b2c3': gone, ...rest } = before
    expect(gone).toBeDefined()
    expect(place.state.committed).toEqual(rest)
    await place.run(script({ presharedKey: anotherPresharedKey }))
    const key = place.state.committed['network.rf_tunnel']?.options.private_key
    expect(key).toMatch(/^[A-Za-z0-9+/]{43}=$/)
    expect(key).not.toBe(before['network.rf_tunnel']?.options.private_key)
    // `uci delete network.rf_tunnel.private_key && uci commit network`, as docs/gateways.md has it.
    for (const sections of [place.state.committed, place.state.staged])
      delete sections['network.rf_tunnel']!.options.private_key
    await place.run(script({ presharedKey: anotherPresharedKey }))
    const next = place.state.committed['network.rf_tunnel']?.options.private_key
    expect(next).toMatch(/^[A-Za-z0-9+/]{43}=$/)
    expect(next).not.toBe(key)
  })

  test("does not carry somebody's own unsaved changes along", async () => {
    const place = router()
    place.stage({ 'network.lan': { type: 'interface', options: { proto: 'static' } } })
    expect((await place.run(script())).output).toContain('unsaved changes to network')
    expect(place.state.committed).toEqual({})
    expect(place.state.staged).toHaveProperty(['network.lan'])
  })

  test.each([
    ['there is no PBX yet', { pbx: { ...gatewayValues().pbx, address: null } }, /PBX has no IPv4 address/],
    ['the phone door has no address', { door: { ...gatewayValues().door, addresses: [] } }, /led to no IPv4 address/],
    ['it has IPv6 only', { door: { ...gatewayValues().door, addresses: ['2001:db8::5'] } }, /led to no IPv4 address/],
  ])('stops before it changes anything when %s', async (_, changes, message) => {
    const place = router()
    const { status, output } = await place.run(script(changes))
    expect(status).toBe(1)
    expect(output).toMatch(message)
    expect(output).toContain('Nothing was changed')
    expect(place.state.staged).toEqual({})
    expect(place.calls).toEqual([])
  })

  test('stops at a name for the device that would be more than a name', async () => {
    const place = router()
    expect((await place.run(script(), { environment: { PHONES_DEVICE: "x'\nset network.lan=x" } })).output).toContain(
      'no name has',
    )
    expect(place.state.staged).toEqual({})
  })

  test('puts everything back when uci does not take a line', async () => {
    const place = router()
    const { status, output } = await place.run(script().replace("set network.rf_phones.proto='static'", 'st network.x'))
    expect(status).toBe(1)
    expect(output).toContain('uci did not take the settings: uci: Parse error in st network.x')
    expect(place.state).toEqual({ committed: {}, staged: {} })
  })
})

function ofType(sections: Readonly<Record<string, UciSection>>, type: string): readonly UciSection['options'][] {
  return Object.values(sections)
    .filter((section) => section.type === type)
    .map(({ options }) => options)
}
