import { isIP } from 'node:net'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  addressOf,
  canonicalAddress,
  canonicalPrefix,
  contains,
  formatAddress,
  hubAddress,
  overlaps,
  parsePrefix,
  pieceAt,
  pieceCount,
} from '../../src/domain/address.ts'

describe('addresses and prefixes', () => {
  test.each([
    ['10.77.0.2', '10.77.0.2/32'],
    [' 10.77.3.4/16 ', '10.77.0.0/16'],
    ['FD77:77:0:0::1', 'fd77:77::1/128'],
    ['fd00:0:0:1:0:0:0:1/64', 'fd00:0:0:1::/64'],
    ['64:ff9b::192.0.2.1', '64:ff9b::c000:201/128'],
    ['::/0', '::/0'],
    ['0.0.0.0/0', '0.0.0.0/0'],
  ])('%j is written %s', (text, canonical) => {
    expect(canonicalPrefix(text)).toBe(canonical)
  })

  test.each([
    '',
    '/',
    '/16',
    '10.77.0',
    '10.1',
    '167772161',
    '10.77.0.2/33',
    '10.77.0.2/',
    '10.77.0.2/-1',
    '10.77.0.2/032',
    '10.77.0.2/1e1',
    '010.0.0.1',
    '0x7f.1',
    '0x7f000001',
    '256.0.0.1',
    '10.0.0.1/8/8',
    '10.0.0.1\n10.0.0.2',
    '１０.0.0.1',
    'fe80::1%eth0',
    '::ffff:10.0.0.1',
    '::ffff:10.0.0.1/128',
    '::FFFF:0a00:0001',
    '::10.0.0.1',
    '1::2::3',
    'fd00::12345',
    '[fd00::1]',
    'fd00::/129',
  ])('%j is none', (text) => {
    expect(parsePrefix(text)).toBe(null)
  })

  test('what is an address here is one for the operating system too, IPv4 in IPv6 clothes left out', () => {
    const noise = fc.string({ unit: fc.constantFrom(...'0129afF:.%/ ') })
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV4Extended(), fc.ipV6(), noise), (text) => {
        const prefix = text.includes('/') || text !== text.trim() ? null : parsePrefix(text)
        if (prefix) expect(isIP(text)).toBe(prefix.family)
        else if (isIP(text)) expect(text).toMatch(/%|^[0:]+(ffff)?:/i)
      }),
      { numRuns: 2000 },
    )
  })

  test('writing an address and reading it again gives the same address', () => {
    const anywhere = fc
      .constantFrom(4 as const, 6 as const)
      .chain((family) =>
        fc.tuple(fc.constant(family), fc.bigInt({ min: 0n, max: family === 4 ? 2n ** 32n - 1n : 2n ** 128n - 1n })),
      )
    fc.assert(
      fc.property(anywhere, ([family, value]) => {
        fc.pre(family === 4 || value >> 32n !== 0xffffn)
        expect(parsePrefix(formatAddress(family, value))).toMatchObject({ family, base: value, end: value })
      }),
    )
  })

  test('an address takes no length, and its length is cut off', () => {
    expect(canonicalAddress('FD00::1')).toBe('fd00::1')
    expect(canonicalAddress('10.0.0.1/32')).toBe(null)
    expect(addressOf('10.0.0.1/32')).toBe('10.0.0.1')
    expect(addressOf('fd00::1')).toBe('fd00::1')
  })

  test('two prefixes overlap exactly when one contains the other', () => {
    const near = fc
      .tuple(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 20, max: 32 }))
      .map(([last, length]) => parsePrefix(`10.0.0.${last}/${length}`)!)
    fc.assert(
      fc.property(near, near, (one, other) => {
        expect(overlaps(one, other)).toBe(contains(one, other) || contains(other, one))
      }),
    )
    expect(overlaps(parsePrefix('0.0.0.0/0')!, parsePrefix('::/0')!)).toBe(false)
  })

  test('the hub takes the first address of its subnet', () => {
    expect(hubAddress(parsePrefix('10.77.0.0/16')!)).toBe('10.77.0.1')
    expect(hubAddress(parsePrefix('fd77:77::/64')!)).toBe('fd77:77::1')
  })

  test('a small subnet is handed out without the network, the hub and the broadcast address', () => {
    const subnet = parsePrefix('10.0.0.0/29')!
    const all = Array.from({ length: Number(pieceCount(subnet, 32)) }, (_, index) => pieceAt(subnet, 32, BigInt(index)))
    expect(all).toEqual([null, null, '10.0.0.2/32', '10.0.0.3/32', '10.0.0.4/32', '10.0.0.5/32', '10.0.0.6/32', null])
  })

  test('no two pieces of a pool overlap, each lies inside it, and there is none beyond its end', () => {
    const pool = parsePrefix('10.78.0.0/16')!
    const index = fc.bigInt({ min: 0n, max: pieceCount(pool, 28) - 1n })
    fc.assert(
      fc.property(index, index, (one, other) => {
        const [first, second] = [parsePrefix(pieceAt(pool, 28, one)!)!, parsePrefix(pieceAt(pool, 28, other)!)!]
        expect(contains(pool, first)).toBe(true)
        expect(overlaps(first, second)).toBe(one === other)
      }),
    )
    expect(pieceAt(pool, 28, pieceCount(pool, 28))).toBe(null)
    expect(pieceAt(pool, 28, -1n)).toBe(null)
    expect(pieceCount(pool, 8)).toBe(0n)
  })

  test('IPv6 has no broadcast address to leave out', () => {
    const subnet = parsePrefix('fd00::/126')!
    expect([0n, 1n, 2n, 3n, 4n].map((index) => pieceAt(subnet, 128, index))).toEqual([
      null,
      null,
      'fd00::2/128',
      'fd00::3/128',
      null,
    ])
  })
})
