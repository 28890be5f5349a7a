import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Secret } from '../../src/domain/secret.ts'
import { accountObjects } from '../../src/pbx/asterisk-account.ts'
import { accountText, withEdge } from '../../src/pbx/asterisk-config.ts'
import { edgeConfiguration, edgeTlsConfiguration } from '../../src/pbx/edge/edge-config.ts'
import type { EdgeOptions } from '../../src/pbx/edge/edge-options.ts'
import { changeTables } from '../../src/pbx/edge/edge-state.ts'
import { decimalSerial, type EdgeRows, readTableFile, tableFiles } from '../../src/pbx/edge/edge-tables.ts'
import { makeAccount } from '../contracts/pbx.contract.ts'

const options: EdgeOptions = {
  address: '10.92.0.2',
  host: 'sip.example.com',
  port: 5061,
  mtlsPort: 5062,
  pbxPort: 5063,
  rpc: { address: '127.0.0.1', port: 5064 },
  folder: '/var/lib/ringfence-edge',
  tls: null,
  pbx: { address: '10.91.0.2', port: 5061 },
  rpcKeyHash: 'a'.repeat(64),
}
const rows = (part: Partial<EdgeRows> = {}): EdgeRows => ({
  deny: new Map(),
  plan: new Map(),
  policy: new Map(),
  bind: new Map(),
  source: new Map(),
  ...part,
})

describe('the tables of the edge', () => {
  test('are read back as they were written, also addresses with colons', () => {
    const word = fc.stringMatching(/^[0-9a-z:.|,/\\]{1,40}$/)
    fc.assert(
      fc.property(fc.array(fc.tuple(word, word), { maxLength: 20 }), (entries) => {
        const bind = new Map(entries)
        expect(readTableFile(tableFiles(rows({ bind })).bind!)).toEqual(bind)
      }),
    )
  })

  test('half a file is no table', () => {
    const whole = tableFiles(
      rows({
        deny: new Map([
          ['4097', '2027-01-01'],
          ['77', '2027-01-01'],
        ]),
      }),
    ).deny!
    for (let length = 0; length < whole.length; length++) {
      const read = readTableFile(whole.slice(0, length))
      // Cut behind a line it is a whole table of fewer rows; nothing else is one.
      expect(read === null || whole[length - 1] === '\n').toBe(true)
    }
  })

  test('name serials as Kamailio shows them: hex 1001 is 4097', () => {
    expect(decimalSerial('1001')).toBe('4097')
    expect(decimalSerial('ffffffffffffffffffffffffffffffff')).toBe('340282366920938463463374607431768211455')
  })

  test('change key by key: nobody else is touched, and what was denied is never taken back', async () => {
    const before = rows({
      deny: new Map([['1', '2027-01-01']]),
      bind: new Map([
        ['2', '1001|10.77.0.2/32'],
        ['3', '1002|10.77.0.3/32'],
        ['4', '1003|10.77.0.4/32'],
      ]),
      source: new Map([['10.77.0.9', '1009']]),
    })
    const wanted = rows({
      deny: new Map([['3', '2027-01-01']]),
      bind: new Map([
        ['2', '1001|10.77.0.2/32'],
        ['4', '1003|10.77.0.5/32'],
      ]),
    })
    const said: string[] = []
    const rpc = {
      page: () => Promise.reject(new Error('not asked')),
      call: async (method: string, params: readonly string[]) => void said.push([method, ...params].join(' ')),
    }
    await changeTables(rpc, before, wanted, AbortSignal.timeout(1_000))
    expect(said).toEqual([
      'htable.sets deny 3 2027-01-01',
      'htable.sets bind 4 1003|10.77.0.5/32',
      'htable.delete bind 3',
      'htable.delete source 10.77.0.9',
    ])
  })
})

describe('the configuration of the edge', () => {
  test('is the same for the same settings wherever it lies, and another one for others', () => {
    const { fingerprint } = edgeConfiguration(options, '/etc/a/tls.cfg')
    expect(edgeConfiguration(options, '/etc/b/tls.cfg').fingerprint).toBe(fingerprint)
    expect(edgeConfiguration({ ...options, mtlsPort: 5072 }, '/etc/a/tls.cfg').fingerprint).not.toBe(fingerprint)
    const tls = { certificateFile: '/etc/x.crt', keyFile: '/etc/x.key' }
    expect(edgeConfiguration({ ...options, tls }, '/etc/a/tls.cfg').fingerprint).not.toBe(fingerprint)
  })

  test('demands a client certificate and the list on one port alone, and there always', () => {
    const sections = edgeTlsConfiguration(options).split(/^\[/m).slice(1)
    const demanding = sections.filter((section) => section.includes('require_certificate = yes'))
    expect(demanding).toHaveLength(1)
    expect(demanding[0]).toMatch(/^server:10\.92\.0\.2:5062\]/)
    expect(demanding[0]).toMatch(/^verify_certificate = yes$/m)
    expect(demanding[0]).toMatch(/^crl = \/var\/lib\/ringfence-edge\/handsets\.pem$/m)
  })

  test('takes no value that could mean something else in its files', () => {
    const strange = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.constantFrom('a"; exit;', 'a\nloadmodule "x.so"', '$var(x)', '/etc/../a b', '[server:default]', ''),
    )
    fc.assert(
      fc.property(strange, (text) => {
        const attempt = (part: Partial<EdgeOptions>) => () => edgeConfiguration({ ...options, ...part }, '/etc/tls.cfg')
        if (!/^[0-9a-fA-F.:]+$/.test(text)) {
          expect(attempt({ address: text })).toThrow(/cannot be used/)
          expect(attempt({ pbx: { address: text, port: 5061 } })).toThrow(/cannot be used/)
          expect(attempt({ rpc: { address: text, port: 5064 } })).toThrow(/cannot be used/)
        }
        if (!/^[A-Za-z0-9.:-]+$/.test(text)) expect(attempt({ host: text })).toThrow(/cannot be used/)
        if (!/^[A-Za-z0-9._/+@-]+$/.test(text)) {
          expect(attempt({ folder: text })).toThrow(/cannot be used/)
          expect(attempt({ tls: { certificateFile: text, keyFile: '/k' } })).toThrow(/cannot be used/)
        }
      }),
    )
  })
})

describe('an Asterisk account behind an edge', () => {
  const account = { ...makeAccount('1001'), displayName: 'Ana' }
  const textOf = (edge?: string | null) =>
    accountText(
      accountObjects(account, {
        realm: 'ringfence',
        context: 'from-internal',
        ...(edge === undefined ? {} : { edge }),
      })!,
    )

  test('takes requests from the edge alone and sends calls back along the Path', () => {
    const text = textOf('10.92.0.2')
    expect(text).toMatch(/^deny=0\.0\.0\.0\/0,::\/0,!10\.92\.0\.2\/32$/m)
    expect(text).toMatch(/^support_path=yes$/m)
    expect(text).toMatch(/^rewrite_contact=no$/m)
  })

  test('is brought up to date when an edge comes, moves or goes, and is nothing else then', () => {
    const states = [null, '10.92.0.2', '10.92.0.3', 'fd00::2']
    for (const from of states) for (const to of states) expect(withEdge(textOf(from), to)).toBe(textOf(to))
  })

  test('is without one as it always was, byte for byte', () => {
    const plain = textOf()
    expect(textOf(null)).toBe(plain)
    expect(plain).not.toMatch(/deny|permit|support_path/)
    expect(plain).toMatch(/^rewrite_contact=yes$/m)
    expect(plain).not.toContain((account.credentials[0]!.secret as Secret).reveal())
  })
})
