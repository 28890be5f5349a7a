import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { unifiedDiff } from '../../src/domain/line-diff.ts'

const names = { before: 'old', after: 'new' }

/** What patch(1) does with a unified difference; throws where the text is not the one that it was made from. */
function patched(text: string, diff: string): string {
  const lines = text.match(/[^\n]*\n|[^\n]+$/g) ?? []
  const out: string[] = []
  let at = 0
  const hunks = diff.split(/^(?=@@ )/m).slice(1)
  for (const hunk of hunks) {
    const [head = '', ...rest] = hunk.match(/[^\n]*\n/g) ?? []
    const [, start = '', count = '1', newStart = '', newCount = '1'] =
      /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@\n$/.exec(head) ?? []
    const from = count === '0' ? Number(start) : Number(start) - 1
    out.push(...lines.slice(at, from))
    at = from
    expect(out.length).toBe(newCount === '0' ? Number(newStart) : Number(newStart) - 1)
    let seen = { old: 0, fresh: 0 }
    for (const [index, line] of rest.entries()) {
      if (line.startsWith('\\')) continue
      const cut = rest[index + 1]?.startsWith('\\') ? line.slice(1, -1) : line.slice(1)
      if (line[0] !== '+') {
        if (lines[at] !== cut)
          throw new Error(`line ${at + 1} is ${JSON.stringify(lines[at])}, not ${JSON.stringify(cut)}`)
        at++
      }
      if (line[0] !== '-') out.push(cut)
      seen = { old: seen.old + Number(line[0] !== '+'), fresh: seen.fresh + Number(line[0] !== '-') }
    }
    expect(seen).toEqual({ old: Number(count), fresh: Number(newCount) })
  }
  return [...out, ...lines.slice(at)].join('')
}

/** The most lines that both have in common, in order, by trying everything. */
function mostInCommon(one: readonly string[], other: readonly string[]): number {
  const [first, ...rest] = one
  if (first === undefined) return 0
  const without = mostInCommon(rest, other)
  const place = other.indexOf(first)
  return place < 0 ? without : Math.max(without, 1 + mostInCommon(rest, other.slice(place + 1)))
}

describe('the difference between two files', () => {
  test('is what diff -u writes', () => {
    const old = 'a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl\n'
    expect(unifiedDiff(old, old.replace('b\n', '').replace('k\n', 'K\nk2\n'), names)).toBe(
      '--- old\n+++ new\n@@ -1,5 +1,4 @@\n a\n-b\n c\n d\n e\n@@ -8,5 +7,6 @@\n h\n i\n j\n-k\n+K\n+k2\n l\n',
    )
    expect(unifiedDiff('a\n', 'a', names)).toBe('--- old\n+++ new\n@@ -1 +1 @@\n-a\n+a\n\\ No newline at end of file\n')
    expect(unifiedDiff('', 'a\n', names)).toBe('--- old\n+++ new\n@@ -0,0 +1 @@\n+a\n')
    expect(unifiedDiff(old, old, names)).toBe('')
  })

  test('turns the one into the other, whatever they hold, with no line more than needed', () => {
    const text = fc
      .tuple(fc.array(fc.constantFrom('a', 'b', 'c', '', '+a', '-b', '@@ -1 +1 @@'), { maxLength: 12 }), fc.boolean())
      .map(([lines, ends]) => lines.join('\n') + (ends && lines.length > 0 ? '\n' : ''))
    fc.assert(
      fc.property(text, text, (old, fresh) => {
        const diff = unifiedDiff(old, fresh, names)
        expect(patched(old, diff)).toBe(fresh)
        const lines = (whole: string) => whole.match(/[^\n]*\n|[^\n]+$/g) ?? []
        const body = diff.split('\n').slice(2)
        const removed = body.filter((line) => line.startsWith('-')).length
        expect(removed).toBe(diff === '' ? 0 : lines(old).length - mostInCommon(lines(old), lines(fresh)))
      }),
      { numRuns: 1_000 },
    )
  })

  test('of two long files without anything in common is told in a moment', () => {
    const long = (word: string) => Array.from({ length: 20_000 }, (_, index) => `${word} ${index}\n`).join('')
    const diff = unifiedDiff(long('old'), long('new'), names)
    expect(patched(long('old'), diff)).toBe(long('new'))
  })
})
