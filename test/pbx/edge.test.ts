import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { blockedPolicy, type CallPolicy } from '../../src/domain/call-policy.ts'
import type { Secret } from '../../src/domain/secret.ts'
import { accountObjects } from '../../src/pbx/asterisk/asterisk-account.ts'
import { accountText, withEdge } from '../../src/pbx/asterisk/asterisk-config.ts'
import { callRows, callsOf, planRows } from '../../src/pbx/edge/edge-calls.ts'
import { edgeConfiguration, edgeTlsConfiguration } from '../../src/pbx/edge/edge-config.ts'
import type { EdgeOptions } from '../../src/pbx/edge/edge-options.ts'
import { changeTables } from '../../src/pbx/edge/edge-state.ts'
import { decimalSerial, type EdgeRows, readTableFile, spentFile, tableFiles } from '../../src/pbx/edge/edge-tables.ts'
import { makeAccount } from '../contracts/pbx-accounts.ts'
import { germany } from '../fixtures/dialled-numbers.ts'

const options: EdgeOptions = {
  address: '10.92.0.2',
  host: 'sip.example.com',
  port: 5061,
  mtlsPort: 5062,
  pbxPort: 5063,
  rpc: { address: '127.0.0.1', port: 5064 },
  folder: '/var/lib/ringfence-edge',
  tls: null,
  pbx: { address: '10.91.0.2', port: 5061, authorityFile: null },
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

describe('the tables for calls at the edge', () => {
  const withLine = { ...germany, outsideLine: '9' }
  const national = { ...blockedPolicy, class: 'national', callsAtOnce: 2 } as const
  const of = (extension: string, policy: CallPolicy | null) =>
    ({ extension, policy, wanted: 'open', hasNextHolder: false }) as const
  const left = (extension: string, hasNextHolder: boolean) =>
    ({ extension, policy: null, wanted: 'closed', hasNextHolder }) as const

  test('hold the plan, every extension that has a phone, and what was chosen for it; whoever left is blocked', () => {
    const extensions = [of('1001', national), left('1003', false), left('1002', true), of('1004', null)]
    const { plan, policy } = callRows(['1001', '1002'], extensions, { dialPlan: withLine, internal: [] })
    expect([...plan]).toEqual([['dial', '49|00|0|30|9|110,112']])
    expect(Object.fromEntries(policy)).toEqual({
      1001: 'national callsAtOnce=2',
      1002: 'none',
      1003: 'blocked',
      1004: 'none',
    })
  })

  test('block nobody and give nobody a class before somebody said what dialled numbers mean', () => {
    const extensions = [of('1001', national), left('1003', false)]
    const { plan, policy } = callRows(['1001', '1002'], extensions, { dialPlan: null, internal: [] })
    expect([...plan]).toEqual([])
    expect(Object.fromEntries(policy)).toEqual({ 1001: 'none', 1002: 'none' })
  })

  test('an extension that has an owner again is not blocked for the last one, in whatever order they are listed', () => {
    for (const extensions of [
      [left('1001', false), of('1001', national)],
      [of('1001', national), left('1001', false)],
    ])
      expect(callRows([], extensions, { dialPlan: withLine, internal: [] }).policy.get('1001')).toBe(
        'national callsAtOnce=2',
      )
  })

  test('name internal numbers by an expression that means just them', () => {
    const plan = planRows({ dialPlan: null, internal: ['1xxx', '2xx', '*9', '#x'] })
    const pattern = new RegExp(plan.get('internal')!)
    for (const number of ['1000', '1999', '200', '*9', '#7']) expect(pattern.test(number)).toBe(true)
    for (const number of ['100', '10000', '2000', '99', '9', '*', '', '1xxx', '+1000', '01000'])
      expect(pattern.test(number)).toBe(false)
  })

  test('are written and read back like the others', () => {
    const { plan, policy } = callRows([], [of('1001', national)], { dialPlan: withLine, internal: ['1xxx', '*9'] })
    const files = tableFiles(rows({ plan, policy }))
    expect(readTableFile(files.plan!)).toEqual(plan)
    expect(readTableFile(files.policy!)).toEqual(policy)
  })

  test('keep the calls of this hour and this day over a restart, and no minutes', () => {
    // 2026-11-25T22:30:00Z, in hours and days since 1970.
    const now = new Date('2026-11-25T22:30:00Z')
    const [hour, day] = [Math.trunc(now.getTime() / 3_600_000), Math.trunc(now.getTime() / 86_400_000)]
    const current = [
      [`1001:calls:h${hour}`, '2'],
      [`1001:calls:d${day}`, '5'],
    ] as const
    const past = [
      [`1001:calls:h${hour - 1}`, '3'],
      [`1001:calls:d${day - 1}`, '9'],
    ] as const
    const spent = new Map([...current, ...past, [`1001:seconds:h${hour}`, '600']])
    expect(callsOf(now, spent)).toEqual(new Map(current))
    expect(spentFile(callsOf(now, spent))).toContain(`:1001\\:calls\\:h${hour}:0:1:2:0\n`)
  })

  test('change in an order that never leaves a class without its plan', async () => {
    const wanted = rows({
      bind: new Map([['2', '1001|10.77.0.2/32']]),
      ...callRows([], [of('1001', national)], { dialPlan: withLine, internal: [] }),
    })
    const said: string[] = []
    const rpc = {
      call: async (_: string, params: readonly (string | number)[]) => void said.push(String(params[0])),
    }
    await changeTables(rpc, rows(), wanted, AbortSignal.timeout(1_000))
    expect(said).toEqual(['plan', 'policy', 'bind'])
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

  test('checks the certificate of the PBX against the authority that it was told, and not where it was told none', () => {
    const dialling = (authorityFile: string | null) =>
      edgeTlsConfiguration({ ...options, pbx: { ...options.pbx, authorityFile } }).split('[client:default]')[1]
    expect(dialling('/etc/pbx-ca.crt')).toMatch(/^ca_list = \/etc\/pbx-ca\.crt\nverify_certificate = yes$/m)
    expect(dialling(null)).toMatch(/^verify_certificate = no$/m)
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
          expect(attempt({ pbx: { address: text, port: 5061, authorityFile: null } })).toThrow(/cannot be used/)
          expect(attempt({ rpc: { address: text, port: 5064 } })).toThrow(/cannot be used/)
        }
        if (!/^[A-Za-z0-9.:-]+$/.test(text)) expect(attempt({ host: text })).toThrow(/cannot be used/)
        if (!/^[A-Za-z0-9._/+@-]+$/.test(text)) {
          expect(attempt({ folder: text })).toThrow(/cannot be used/)
          expect(attempt({ tls: { certificateFile: text, keyFile: '/k' } })).toThrow(/cannot be used/)
          expect(attempt({ pbx: { ...options.pbx, authorityFile: text } })).toThrow(/cannot be used/)
        }
      }),
    )
  })
})

describe('an Asterisk account behind an edge', () => {
  const account = { ...makeAccount('1001'), displayName: 'Ana' }
  const textOf = (edge: string | null) =>
    accountText(
      accountObjects(account, {
        realm: 'ringfence',
        context: 'from-internal',
        edge,
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

  test('takes requests from anywhere where there is none', () => {
    const plain = textOf(null)
    expect(plain).not.toMatch(/deny|permit|support_path/)
    expect(plain).toMatch(/^rewrite_contact=yes$/m)
    expect(plain).not.toContain((account.credentials[0]!.secret as Secret).reveal())
  })
})
