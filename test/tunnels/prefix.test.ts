import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  contains,
  firstAddress,
  overlaps,
  type Prefix,
  parsePrefix,
  prefixesOfRange,
  prefixIndex,
  subtract,
} from '../../src/tunnels/prefix.ts'

const prefixes = fc
  .oneof(
    fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 })),
    fc.tuple(fc.ipV6(), fc.integer({ min: 0, max: 128 })),
    // Neighbours, so that overlaps happen.
    fc.tuple(
      fc.integer({ min: 0, max: 255 }).map((last) => `10.78.1.${last}`),
      fc.integer({ min: 22, max: 32 }),
    ),
  )
  .map(([address, length]) => parsePrefix(`${address}/${length}`)!)
const size = ({ start, end }: Prefix) => end - start + 1n

describe('prefixes', () => {
  test.each([
    ['10.77.0.2', '10.77.0.2/32'],
    ['10.77.3.4/16', '10.77.0.0/16'],
    ['FD77:77:0:0::1', 'fd77:77::1/128'],
    ['fd00:0:0:1:0:0:0:1/64', 'fd00:0:0:1::/64'],
    ['::/0', '::/0'],
  ])('%s is written %s', (text, canonical) => {
    expect(parsePrefix(text)?.text).toBe(canonical)
  })

  test.each([
    '',
    '10.77.0',
    '10.77.0.2/33',
    '10.77.0.2/',
    '10.77.0.2/-1',
    '10.77.0.2/032',
    'fe80::1%eth0',
    '010.0.0.1',
    '0x7f.1',
    '10.0.0.1/8/8',
  ])('%j is none', (text) => {
    expect(parsePrefix(text)).toBe(null)
  })

  test('the hub takes the first address of its subnet', () => {
    expect(firstAddress(parsePrefix('10.77.0.0/16')!)).toBe('10.77.0.1')
    expect(firstAddress(parsePrefix('fd77:77::/64')!)).toBe('fd77:77::1')
  })

  test('the canonical form is read as the same prefix again', () => {
    fc.assert(
      fc.property(prefixes, (prefix) => {
        expect(parsePrefix(prefix.text)).toEqual(prefix)
      }),
    )
  })

  test('what is left after taking a prefix away does not touch it and misses nothing', () => {
    fc.assert(
      fc.property(prefixes, prefixes, (from, taken) => {
        const left = subtract(from, taken)
        expect(left.every((part) => contains(from, part) && !overlaps(part, taken))).toBe(true)
        const lost = contains(taken, from) ? size(from) : overlaps(from, taken) ? size(taken) : 0n
        expect(left.reduce((sum, part) => sum + size(part), 0n)).toBe(size(from) - lost)
      }),
    )
  })

  test('an address range becomes the prefixes that make it up', () => {
    expect(prefixesOfRange('10.78.1.1', '10.78.1.6').map(({ text }) => text)).toEqual([
      '10.78.1.1/32',
      '10.78.1.2/31',
      '10.78.1.4/31',
      '10.78.1.6/32',
    ])
    expect(prefixesOfRange('0.0.0.0', '255.255.255.255').map(({ text }) => text)).toEqual(['0.0.0.0/0'])
  })

  test('the index finds an overlap exactly when looking at each one does', () => {
    fc.assert(
      fc.property(fc.array(prefixes, { maxLength: 30 }), prefixes, (many, wanted) => {
        const find = prefixIndex(many.map((prefix) => [prefix, prefix]))
        const found = find(wanted)
        if (found) expect(overlaps(found, wanted)).toBe(true)
        expect(found !== undefined).toBe(many.some((prefix) => overlaps(prefix, wanted)))
      }),
    )
  })
})
