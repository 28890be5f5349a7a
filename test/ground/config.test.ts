import { join } from 'node:path'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hubSettingsSchema } from '../../src/hub/hub-settings.ts'
import { drivenAs } from './driven-as.ts'
import { earnest, namesOf, problemsOf, read, secretsFolder } from './environment.ts'

const secrets = secretsFolder()

describe('with nothing configured', () => {
  test('Ringfence listens on this machine only and names everything that is missing', () => {
    const config = read()
    expect([config.console.host, config.phoneDoor.host]).toEqual(['127.0.0.1', '127.0.0.1'])
    expect(config.demo.map((line) => line.split(' ')[0])).toEqual([
      'RINGFENCE_PHONE_URL',
      'RINGFENCE_HUB_ENDPOINT',
      'RINGFENCE_PBX_ADDRESS',
    ])
    expect(config.phoneDoor.inTunnel).toEqual({ host: '10.77.0.1', port: 8443 })
    expect(config.pbxs[0]!.host).toMatch(/\.invalid$/)
  })

  test('an empty setting is one that is not set', () => {
    expect(read({ PHONE_URL: '', LISTEN: '  ', PBX: '' })).toEqual(read())
  })

  test('in earnest nothing is missing', () => {
    expect(read(earnest).demo).toEqual([])
  })

  test('a PBX without a name is named, since softphones want one', () => {
    const { PBX_HOST: _left, ...rest } = earnest
    expect(read(rest)).toMatchObject({ pbxs: [{ host: '192.0.2.10' }], demo: [expect.stringContaining('PBX_HOST')] })
  })
})

describe('what is read', () => {
  test('cannot be changed afterwards, at any depth', () => {
    const config = read(earnest)
    expect(() => Object.assign(config.hub, { endpoint: 'evil:1' })).toThrow(TypeError)
    expect(() => (config.hub.subnets as string[]).push('0.0.0.0/0')).toThrow(TypeError)
  })

  test('is canonical, so that it can be compared', () => {
    const config = read({
      HUB_SUBNET: 'FD77:0::5/64',
      PBX_ADDRESS: 'FD00:0::A',
      PHONE_URL: 'https://Phones.Example.com:443/x/',
    })
    expect([config.hub.subnets, config.pbxs[0]!.address, config.phoneDoor.url]).toEqual([
      ['fd77::/64'],
      'fd00::a',
      'https://phones.example.com/x',
    ])
    expect(config.phoneDoor.inTunnel).toEqual({ host: 'fd77::1', port: 8443 })
  })

  test("takes the hub's port from the endpoint unless it has one of its own", () => {
    expect(read({ HUB_ENDPOINT: 'vpn.example.com:443' }).hub.listenPort).toBe(443)
    expect(read({ HUB_ENDPOINT: 'vpn.example.com:443', HUB_PORT: '51820' }).hub.listenPort).toBe(51820)
    expect(read({ HUB_PORT: '51821' }).hub).toMatchObject({ listenPort: 51821, endpoint: '127.0.0.1:51821' })
  })

  test('keeps the door inside the VPN shut where it is off', () => {
    expect(read({ PHONE_TUNNEL_LISTEN: 'off' }).phoneDoor.inTunnel).toBe(null)
  })

  test('takes secrets from files, without the line break at their end', () => {
    expect(read({ PASSPHRASE_FILE: secrets.file }).passphrase?.reveal()).toBe('hunter2')
    expect(drivenAs(read(secrets.asterisk()).pbxs[0]!, 'asterisk').amiSecret.reveal()).toBe('hunter2')
    expect(problemsOf({ PASSPHRASE_FILE: join(secrets.folder, 'empty') })).toEqual([
      'RINGFENCE_PASSPHRASE_FILE names a file that is empty',
    ])
    expect(inspect(read({ ...secrets.asterisk(), PASSPHRASE: 'open sesame' }), { depth: 9 })).not.toMatch(
      /hunter2|sesame/,
    )
  })

  test('has every interface name that the hub takes, and no other', () => {
    const base = { listenPort: 1, subnets: ['10.0.0.0/16'], pbxs: [] }
    const hubTakes = (name: string) =>
      hubSettingsSchema.safeParse({ ...base, doorPort: null, socketPath: '/s', dataFolder: '/d', interface: name })
        .success
    expect(hubTakes('ringfence0')).toBe(true)
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'aZ0_-=+./ %:'), minLength: 1, maxLength: 17 }), (name) => {
        fc.pre(name.trim() === name)
        expect(namesOf({ HUB_INTERFACE: name }).length === 0).toBe(hubTakes(name))
      }),
      { numRuns: 500 },
    )
  })
})
