import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { contains, overlaps, type Prefix, parsePrefix } from '../../src/domain/address.ts'
import { prefixesOfRange, prefixIndex, subtract } from '../../src/tunnels/prefix.ts'

const prefixes = fc
  .oneof(
    fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 })),
    fc.tuple(
      fc.ipV6().filter((text) => parsePrefix(text) !== null),
      fc.integer({ min: 0, max: 128 }),
    ),
    // Neighbours, so that overlaps happen.
    fc.tuple(
      fc.integer({ min: 0, max: 255 }).map((last) => `10.78.1.${last}`),
      fc.integer({ min: 22, max: 32 }),
    ),
  )
  .map(([address, length]) => parsePrefix(`${address}/${length}`)!)
const size = ({ base, end }: Prefix) => end - base + 1n

describe('prefixes', () => {
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
