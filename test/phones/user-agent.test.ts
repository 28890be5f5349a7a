import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import { loadCatalogue } from '../../src/phones/catalogue.ts'
import { readVendors } from '../../src/phones/manifest.ts'
import { patternProblem } from '../../src/phones/plain-pattern.ts'
import { contradictionsIn, userAgentGroups } from '../../src/phones/user-agent.ts'
import { templatesFolder } from './sample-values.ts'

const catalogue = await loadCatalogue(templatesFolder)
const vendors = await readVendors(templatesFolder)

/** As phones and the projects that read them wrote them down; the sources stand in the manifests. */
const known: readonly (readonly [string, string, string, string, string | null])[] = [
  ['yealink-t34w', 'Yealink SIP-T34W 124.86.0.75 24:9a:d8:88:d0:f4', 'SIP-T34W', '124.86.0.75', '249ad888d0f4'],
  ['yealink-t54w', 'Yealink SIP-T54W  96.86.0.100 805ec0aabb01', 'SIP-T54W', '96.86.0.100', '805ec0aabb01'],
  ['yealink-t87w', 'Yealink SIP-T87W 185.87.0.10 44:db:d2:c9:73:b7', 'SIP-T87W', '185.87.0.10', '44dbd2c973b7'],
  ['yealink-t54w', 'Yealink SIP-T54W 96.86.0.100', 'SIP-T54W', '96.86.0.100', null],
  ['yealink-w80b', 'Yealink W80B 103.83.0.90 80:5e:c0:71:01:38', 'W80B', '103.83.0.90', '805ec0710138'],
  [
    'grandstream-grp2614',
    'Grandstream Model HW GRP2614 SW 1.0.5.15 DevId c074ad0b63ee',
    'GRP2614',
    '1.0.5.15',
    'c074ad0b63ee',
  ],
  [
    'grandstream-grp2614',
    'Grandstream Model HW GRP2614  V1.3A SW 1.0.5.15 DevId c074ad0b63ee',
    'GRP2614',
    '1.0.5.15',
    'c074ad0b63ee',
  ],
  [
    'snom-d785',
    'Mozilla/4.0 (compatible; snomD785-SIP 10.1.33.33 2010.12-00004-g9ba52f5 000413922D24 SXM:0 UXM:0)',
    'D785',
    '10.1.33.33',
    '000413922d24',
  ],
  [
    'snom-d785',
    'Mozilla/4.0 (compatible; snomD785-SIP 10.1.169.16 2010.12-00001-gd311851f1 (Feb 25 2019 - 14:19:43) 00041396D9B4 SXM:0 UXM:0 UXMC:0)',
    'D785',
    '10.1.169.16',
    '00041396d9b4',
  ],
  ['snom-d785', 'Mozilla/4.0 (compatible; snomD785-SIP 8.7.3.19 2010.06)', 'D785', '8.7.3.19', null],
  ['fanvil-x5u-v2', 'Fanvil X5U-V2 2.12.16.17 0c383e557eb1', 'X5U-V2', '2.12.16.17', '0c383e557eb1'],
  ['fanvil-x6u-pro', 'Fanvil X6U Pro 2.14.10 0c383e2cd782', 'X6U Pro', '2.14.10', '0c383e2cd782'],
  ['poly-vvx450', 'FileTransport PolycomVVX-VVX_450-UA/5.9.1.0615 Type/Application', 'VVX_450', '5.9.1.0615', null],
  [
    'poly-vvx450',
    'FileTransport PolycomVVX-VVX_450-UA/6.4.0.1234 (SN:64167f9f4c90) Type/Application',
    'VVX_450',
    '6.4.0.1234',
    '64167f9f4c90',
  ],
  ['mitel-6920', 'Mitel6920 MAC:14-00-E9-1F-03-EA V:6.4.0.140-SIP', '6920', '6.4.0.140', '1400e91f03ea'],
  ['mitel-6863i', 'Aastra6863i MAC:00-08-5D-40-90-5F V:4.1.0.128-SIP', '6863i', '4.1.0.128', '00085d40905f'],
  ['cisco-7832', 'Cisco-CP-7832-3PCC/11.0.1 (00562b043615)', '7832', '11.0.1', '00562b043615'],
  [
    'gigaset-n870',
    'Gigaset N870 IP PRO/83.V2.11.0+build.a546b91;7C2F80E0D605',
    'N870 IP PRO',
    '83.V2.11.0',
    '7c2f80e0d605',
  ],
  ['htek-uc903', 'Htek UC903 2.0.4.2 00:1f:c1:1c:22:a9', 'UC903', '2.0.4.2', '001fc11c22a9'],
]

describe('what a phone says of itself', () => {
  test.each(known)('%s: %s', (id, userAgent, model, firmware, mac) => {
    expect(catalogue.model(id), id).toBeDefined()
    expect(catalogue.seen(id, userAgent)).toEqual({ model, firmware, mac })
  })

  test('does not contradict what was handed out, for every model and MAC above but firmware that is too old', () => {
    for (const [id, userAgent, , , mac] of known) {
      const found = catalogue.contradictions(id, mac, catalogue.seen(id, userAgent)!)
      expect(
        found.filter(({ kind }) => kind !== 'firmware'),
        userAgent,
      ).toEqual([])
    }
  })

  test('is doubted where MAC, model or firmware are others', () => {
    const seen = catalogue.seen('yealink-t54w', 'Yealink SIP-T46G 28.72.0.1 00:15:65:4a:a9:37')!
    expect(catalogue.contradictions('yealink-t54w', '805ec0aabb01', seen)).toEqual([
      { kind: 'mac', message: 'it says that its MAC address is 0015654aa937, not 805ec0aabb01' },
      { kind: 'model', message: 'it says that it is a SIP-T46G, not a SIP-T54W' },
      {
        kind: 'firmware',
        message: 'its firmware 28.72.0.1 is older than V84, the oldest that the file was made for',
      },
    ])
  })

  test('gives away another maker that holds the link, and says nothing of a firmware that counts otherwise', () => {
    const seen = catalogue.seen('linphone-mobile', 'Fanvil X5U-V2 0.0.1 0c383e557eb1')!
    expect(seen).toEqual({ model: 'fanvil X5U-V2', firmware: '0.0.1', mac: '0c383e557eb1' })
    expect(catalogue.contradictions('linphone-mobile', null, seen)).toEqual([
      { kind: 'model', message: 'it says that it is a fanvil X5U-V2, not a Linphone for Android and iOS' },
    ])
    expect(catalogue.contradictions('yealink-t54w', '805ec0aabb01', seen).map(({ kind }) => kind)).toEqual([
      'mac',
      'model',
    ])
  })

  test('is nothing where a browser or nobody known asks', () => {
    for (const userAgent of ['', 'Mozilla/5.0 (X11; Linux x86_64)', 'curl/8', 'Yealink', 'Yealink <b> 1']) {
      expect(catalogue.seen('yealink-t54w', userAgent), userAgent).toBeNull()
      expect(catalogue.seen('linphone-mobile', userAgent), userAgent).toBeNull()
      expect(catalogue.seen('unknown-model', userAgent), userAgent).toBeNull()
    }
  })

  test('comes out as short words without markup or control characters, whatever was sent', () => {
    const ids = vendors.map(({ manifest }) => manifest.models[0]!.id)
    const beginnings = known.map(([, userAgent]) => userAgent)
    fc.assert(
      fc.property(
        fc.constantFrom(...ids),
        fc.constantFrom(...beginnings),
        fc.nat(60),
        fc.string({ unit: 'binary', maxLength: 400 }),
        (id, beginning, at, rest) => {
          for (const userAgent of [rest, beginning.slice(0, at) + rest, beginning + rest]) {
            const seen = catalogue.seen(id, userAgent)
            if (seen === null) continue
            for (const text of [seen.model, seen.firmware])
              expect(text === null || /^[A-Za-z0-9 ._+/-]{1,80}$/.test(text), text ?? '').toBe(true)
            expect(seen.mac === null || /^[0-9a-f]{12}$/.test(seen.mac)).toBe(true)
          }
        },
      ),
    )
  })
})

describe('versions of firmware', () => {
  const older = (firmware: string, firmwareFloor: string | null, hardwareParts = 0) =>
    contradictionsIn({ model: null, mac: null, firmware }, { mac: null, model: null, firmwareFloor, hardwareParts })
      .length === 1

  test('are compared number by number', () => {
    expect(older('10.1.54.13', '10.1.63.0')).toBe(true)
    expect(older('10.1.101.11', '10.1.63.0')).toBe(false)
    expect(older('10.1.63.0', '10.1.63.0')).toBe(false)
    expect(older('10.1.63', '10.1.63.0')).toBe(false)
    expect(older('2.0.4.2', '2.0.4.6.41')).toBe(true)
    expect(older('28.83.0.120', 'V84', 1)).toBe(true)
    expect(older('96.84.0.10', 'V84', 1)).toBe(false)
    expect(older('83.V2.11.0', '2.65.0', 1)).toBe(true)
  })

  test('raise no doubt where they cannot be compared', () => {
    for (const [firmware, floor] of [
      ['1.0.5.15', 'GRP26xx 1.0.9.103, GXP21xx 1.0.11.79'],
      ['11-3-1MPP', '11.3.1'],
      ['1.0', null],
      ['1..0', '2.0'],
      ['.', '2.0'],
    ] as const)
      expect(older(firmware, floor), `${firmware} ${floor}`).toBe(false)
    expect(older('28', 'V84', 1)).toBe(false)
  })
})

describe('a pattern in a manifest', () => {
  const problem = (pattern: string) => patternProblem(pattern, userAgentGroups)

  test.each([
    ['(a+)+$', 'does not begin'],
    ['^(?:a+)+$', 'not allowed'],
    ['^(?:(?:a+)?)?b', 'two ways'],
    ['^[a-z]+[a-z]+b', 'two ways'],
    ['^[a-z]*x', 'two ways'],
    ['^a?a?a?a', 'two ways'],
    ['^.*x', 'not allowed'],
    ['^(?<model>a|ab)c', 'not allowed'],
    ['^(?=a)b', 'not allowed'],
    ['^(a)\\1', 'not allowed'],
    ['^(?<vendor>a)', 'unknown'],
    ['^(?<model>a)(?<model>b)', 'there twice'],
    ['^(?<model>a', 'does not close'],
    ['^a)', 'did not open'],
    ['^(?: [a-z]+)? x', 'two ways'],
    ['^[z-a]', 'Invalid regular expression'],
    [`^${'a'.repeat(300)}`, 'longer than'],
  ])('%s is refused at the start, since a stranger could keep it busy or it says nothing', (pattern, why) => {
    expect(problem(pattern)).toContain(why)
  })

  test('is taken in the form that our vendors have it', () => {
    const patterns = vendors.flatMap(({ manifest }) => manifest.userAgent?.pattern ?? [])
    expect(patterns.length).toBeGreaterThanOrEqual(9)
    for (const pattern of patterns) expect(problem(pattern), pattern).toBeNull()
  })

  test('that was taken needs time in proportion to the text only', () => {
    // A hundred times longer than what is ever read: with a second way to go on, this would take minutes or for ever.
    for (const { manifest } of vendors) {
      if (!manifest.userAgent) continue
      const pattern = new RegExp(manifest.userAgent.pattern)
      const examples = known.flatMap(([, userAgent]) => (pattern.test(userAgent) ? [userAgent] : []))
      expect(examples.length, manifest.name).toBeGreaterThan(0)
      const started = performance.now()
      for (const example of examples) {
        for (const [at, character] of [...example].entries())
          pattern.exec(example.slice(0, at) + character.repeat(20_000))
      }
      expect(performance.now() - started, manifest.name).toBeLessThan(2_000)
    }
  })
})

describe("a phone's own passwords", () => {
  test('are shown in the form in which its file sets them', () => {
    const passwords = { phoneAdminPassword: new Secret('Adm1n'), phoneUserPassword: new Secret('Us3r') }
    const shown = (id: string) => {
      const { admin, user } = catalogue.phonePasswords(id, passwords)
      return [admin?.reveal() ?? null, user?.reveal() ?? null]
    }
    expect(shown('yealink-t54w')).toEqual(['Adm1n', 'Us3r'])
    expect(shown('gigaset-n870')).toEqual(['Adm1n', null])
    expect(shown('linphone-mobile')).toEqual([null, null])
    expect(shown('mitel-6920')).toEqual([
      expect.stringMatching(/^[1-9][0-9]{8}$/),
      expect.stringMatching(/^[1-9]\d{8}$/),
    ])
  })
})
