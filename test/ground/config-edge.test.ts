import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { tableScript } from '../../src/hub/firewall-rules.ts'
import { hubSettingsSchema } from '../../src/hub/hub-settings.ts'
import { hubSettings } from '../../src/main/hub-settings.ts'
import { earnest, namesOf, read, secretsFolder } from './environment.ts'

const secrets = secretsFolder()

describe('a SIP edge', () => {
  const edge = () => ({
    ...earnest,
    EDGE_ADDRESS: '192.0.2.11',
    EDGE_HOST: 'sip.example.com',
    EDGE_DIR: '/var/lib/ringfence-edge',
    EDGE_RPC_SECRET_FILE: join(secrets.folder, 'edge'),
  })
  beforeAll(() => writeFileSync(join(secrets.folder, 'edge'), 'a secret that is long enough\n'))

  test('is what handsets dial from then on, while media goes to the PBX', () => {
    const [pbx] = read({ ...edge(), PBX_PORT: '6061', EDGE_MTLS_PORT: '7062' }).pbxs
    expect(pbx).toMatchObject({ address: '192.0.2.10', host: 'sip.example.com', port: 5061, mtlsPort: 7062 })
    expect(pbx!.own).toEqual({ host: 'pbx.example.com', port: 6061, mtlsPort: 5062 })
    expect(read(earnest).pbxs[0]).toMatchObject({ host: 'pbx.example.com', port: 5061, edge: null })
  })

  test('opens the hub for itself and shuts it for the ports of the PBX', () => {
    const settings = hubSettingsSchema.parse(hubSettings(read(edge())))
    expect(settings).toMatchObject({
      pbxs: [{ address: '192.0.2.10', ports: [] }],
      edge: { address: '192.0.2.11', ports: [5061, 5062] },
    })
    const table = tableScript(settings, [], true)
    expect(table).toContain('ip daddr { 192.0.2.11 } tcp dport { 5061, 5062 } counter accept')
    expect(table).not.toMatch(/192\.0\.2\.10 \} tcp/)
    expect(table).toContain('ip daddr { 192.0.2.10 } udp dport 10000-20000 counter accept')
  })

  test.each([
    ['half of it', { EDGE_HOST: 'sip.example.com' }, ['EDGE_HOST']],
    ['no folder and no key', { EDGE_ADDRESS: '192.0.2.11' }, ['EDGE_RPC_SECRET_FILE', 'EDGE_DIR']],
    ['management on a public address', { EDGE_RPC: '192.0.2.11:5064' }, ['EDGE_RPC']],
    ['management at a name', { EDGE_RPC: 'edge.example.com:5064' }, ['EDGE_RPC']],
    ['one port twice', { EDGE_PBX_PORT: '5062' }, ['EDGE_PBX_PORT']],
    ['internal numbers as a range', { EDGE_INTERNAL_NUMBERS: '1000-1999' }, ['EDGE_INTERNAL_NUMBERS']],
    ['internal numbers as an expression', { EDGE_INTERNAL_NUMBERS: '1xxx,.*' }, ['EDGE_INTERNAL_NUMBERS']],
    [
      'internal numbers as long as telephone numbers',
      { EDGE_INTERNAL_NUMBERS: 'xxxxxxxxx' },
      ['EDGE_INTERNAL_NUMBERS'],
    ],
    ['management on a port of phones', { EDGE_RPC: '127.0.0.1:5062' }, ['EDGE_RPC']],
    ["the PBX's own port at the PBX's own address", { EDGE_ADDRESS: '192.0.2.10' }, ['EDGE_PORT']],
    ['handsets that all look alike', { HUB_MASQUERADE: 'yes' }, ['HUB_MASQUERADE']],
    ['an address that handsets get', { EDGE_ADDRESS: '10.77.0.9' }, ['EDGE_ADDRESS']],
  ])('is refused with %s', (what, settings, names) => {
    const alone = what === 'half of it' || what === 'no folder and no key'
    expect(namesOf(alone ? { ...earnest, ...settings } : { ...edge(), ...settings })).toEqual(names)
  })

  test.each([
    ['Kamailio checks certificates itself', { PBX: 'kamailio' }],
    ['FreeSWITCH was never tried behind it', { PBX: 'freeswitch' }],
    ['Asterisk keeps no rule of an account that it got over its REST interface', { PBX_ACCOUNTS: 'ari' }],
  ])('is refused because %s', (_why, settings) => {
    expect(namesOf({ ...secrets.asterisk(), ...edge(), PBX: 'asterisk', ...settings })).toContain('EDGE_ADDRESS')
    expect(namesOf({ ...secrets.asterisk(), ...edge(), PBX: 'asterisk' })).toEqual([])
  })

  test('stands in front of the first PBX alone, and no other may have its place', () => {
    const two = { ...edge(), PBX2: 'manual', PBX2_NAME: 'branch', PBX2_ADDRESS: '192.0.2.20' }
    expect(read(two).pbxs.map(({ edge: found }) => found?.address ?? null)).toEqual(['192.0.2.11', null])
    expect(hubSettings(read(two))).toMatchObject({
      pbxs: [{ ports: [] }, { address: '192.0.2.20', ports: [5061, 5062] }],
      edge: { address: '192.0.2.11' },
    })
    expect(namesOf({ ...two, PBX2_ADDRESS: '192.0.2.11' })).toEqual(['PBX2_ADDRESS'])
  })

  test('is refused with a secret that is short', () => {
    expect(namesOf({ ...edge(), EDGE_RPC_SECRET_FILE: secrets.file })).toEqual(['EDGE_RPC_SECRET_FILE'])
  })
})
