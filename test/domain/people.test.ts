import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseEmail, parseName } from '../../src/domain/employee.ts'
import { parseMac } from '../../src/domain/handset.ts'
import type { Parsed } from '../../src/domain/parse.ts'
import { parseExtension } from '../../src/domain/sip-account.ts'
import { parsePublicKey } from '../../src/domain/tunnel.ts'

const value = <T>(parsed: Parsed<T>) => (parsed.ok ? parsed.value : undefined)
const parsers = { parseName, parseEmail, parseMac, parseExtension, parsePublicKey }

describe('what people type', () => {
  test.each(Object.entries(parsers))('%s answers anything with a value or a problem in words', (_name, parse) => {
    fc.assert(
      fc.property(fc.oneof(fc.anything(), fc.string({ unit: 'binary' })), (input) => {
        const parsed = parse(input)
        if (parsed.ok) {
          expect(parse(parsed.value)).toEqual(parsed)
          return
        }
        expect(parsed.problem.message).toMatch(/^\P{Lu}/u)
        expect(parsed.problem.message).not.toMatch(/[\n\r]/)
        expect(parsed.problem.message.length).toBeLessThan(300)
      }),
      { numRuns: 300 },
    )
  })
})

describe('a name', () => {
  test.each([
    'Ada Lovelace',
    `O'Brien "Bob" <b>`,
    '{{ 7*7 }}',
    '$\u007bEXTEN}',
    '=cmd|calc!A0',
    '李小龙',
    'שרה‏ (sales)',
    '👩‍👩‍👧',
    '../../etc/passwd',
    '; DROP TABLE',
  ])('may be %j', (name) => {
    expect(value(parseName(name))).toBe(name.normalize('NFC'))
  })

  test.each([
    '',
    ' \t ',
    'Ada\nLovelace',
    'Ada\r\nBcc: x@example.com',
    'Ada\u0000',
    'Ada\u0085b',
    'Ada\u2028b',
    'Ada\u2029b',
    'Ada\ud800b',
    'Ada\u001b[31m',
    '\u200b\u200d',
    'x'.repeat(121),
    undefined,
    null,
    7,
    ['Ada'],
    {},
  ])('may not be %j', (name) => {
    expect(parseName(name).ok).toBe(false)
  })

  test('is the same person however the accent was typed, and without spaces at its ends', () => {
    expect(value(parseName('  Zoe\u0308 '))).toBe('Zo\u00eb')
  })

  test('is counted in characters, not in the halves of an emoji', () => {
    expect(parseName('😀'.repeat(120)).ok).toBe(true)
    expect(parseName('😀'.repeat(121)).ok).toBe(false)
  })

  test('never carries something that ends a line', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), (text) => {
        const name = value(parseName(text))
        if (name !== undefined) expect(name).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]/u)
      }),
      { numRuns: 1000 },
    )
  })
})

describe('an e-mail address', () => {
  test('is lower-case, since people mix cases', () => {
    expect(value(parseEmail(' Ada.Lovelace+Home@Example.COM '))).toBe('ada.lovelace+home@example.com')
  })

  test.each([
    'ada',
    'ada@',
    '@example.com',
    'ada@example',
    'ada@example.',
    'ada@@example.com',
    'ada@example.com, bo@example.com',
    'ada@example.com\nBcc: bo@example.com',
    'ada @example.com',
    'Ada <ada@example.com>',
    '"ada"@example.com',
    'ada\\@example.com',
    'ada@exa\u200bmple.com',
    'ada@example.com\u202e',
    'ada@example.c\u0000m',
    `${'a'.repeat(65)}@example.com`,
    `ada@${'a'.repeat(250)}.com`,
  ])('may not be %j', (email) => {
    expect(parseEmail(email).ok).toBe(false)
  })

  test('that is hostile takes no time', () => {
    const before = performance.now()
    for (const email of [`a@${'.'.repeat(100_000)}`, `${'a@'.repeat(120)}`, `a@${'a.'.repeat(120)}@`]) parseEmail(email)
    expect(performance.now() - before).toBeLessThan(200)
  })
})

describe('an extension', () => {
  test.each([
    ['1001', '1001'],
    [' 0042 ', '0042'],
    ['99', '99'],
  ])('%j is %s', (text, extension) => {
    expect(value(parseExtension(text))).toBe(extension)
  })

  test.each([
    '',
    '1',
    '1'.repeat(16),
    '10 01',
    '+1001',
    '1001;x',
    '１００１',
    '٣٤٥',
    '1e3',
    '0x10',
    '-10',
    '1001\n1002',
    1001,
  ])('may not be %j', (text) => {
    expect(parseExtension(text).ok).toBe(false)
  })
})

describe('a MAC address', () => {
  test.each(['80:5E:C0:AA:BB:CC', '805ec0aabbcc', '80-5e-c0-aa-bb-cc', '805e.c0aa.bbcc', ' 80 5e c0 aa bb cc '])(
    '%j is 805ec0aabbcc',
    (text) => {
      expect(value(parseMac(text))).toBe('805ec0aabbcc')
    },
  )

  test.each([
    '',
    '80:5e:c0:aa:bb',
    '80:5e:c0:aa:bb:cc:dd',
    '80:5e:c0:aa:bb:cg',
    'ff:ff:ff:ff:ff:ff',
    '01:00:5e:00:00:01',
    '00:00:00:00:00:00',
    '../805ec0aabbcc',
    '805ec0aabbc\u0441',
    null,
  ])('may not be %j', (text) => {
    expect(parseMac(text).ok).toBe(false)
  })
})

describe('a WireGuard public key', () => {
  const key = Buffer.alloc(32, 7).toString('base64')

  test('is 32 bytes in base64', () => {
    expect(value(parsePublicKey(` ${key}\n`))).toBe(key)
  })

  test.each([
    '',
    key.slice(1),
    `${key}=`,
    key.replace('=', ''),
    key.replace(/.=$/, 'd='),
    key.replace('B', '-'),
    Buffer.alloc(32).toString('base64'),
    Buffer.alloc(33, 7).toString('base64'),
    Buffer.alloc(32, 7).toString('hex'),
    `${key}\nPrivateKey = x`,
  ])('may not be %j', (text) => {
    expect(parsePublicKey(text).ok).toBe(false)
  })

  test('is read from every 32 bytes but zeros', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
        fc.pre(bytes.some((byte) => byte !== 0))
        const text = Buffer.from(bytes).toString('base64')
        expect(value(parsePublicKey(text))).toBe(text)
      }),
    )
  })
})
