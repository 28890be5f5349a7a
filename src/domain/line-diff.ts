/**
 * What turns one text into another, in the unified format of diff(1) and patch(1): the fewest lines taken away and added
 * (longest common subsequence), with three lines around each change.
 */

export interface DiffNames {
  readonly before: string
  readonly after: string
}

/** Empty when the texts are the same. */
export function unifiedDiff(before: string, after: string, names: DiffNames): string {
  if (before === after) return ''
  const steps = stepsBetween(linesOf(before), linesOf(after))
  const hunks = hunksOf(steps)
  return [`--- ${names.before}\n`, `+++ ${names.after}\n`, ...hunks.map((hunk) => hunkText(hunk))].join('')
}

type Sign = ' ' | '-' | '+'

interface Step {
  readonly sign: Sign
  readonly line: string
  /** How many lines of either text stand before this one. */
  readonly before: number
  readonly after: number
}

const around = 3

/** With their line ends, so that a missing last one makes a line another line. */
function linesOf(text: string): readonly string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? []
}

/** Beyond this many comparisons what lies between is taken as replaced: a table for it would be too large. */
const mostComparisons = 4_000_000

function stepsBetween(before: readonly string[], after: readonly string[]): readonly Step[] {
  let start = 0
  while (start < before.length && start < after.length && before[start] === after[start]) start++
  let end = 0
  const most = Math.min(before.length, after.length) - start
  while (end < most && before[before.length - 1 - end] === after[after.length - 1 - end]) end++

  const steps: Step[] = []
  let [left, right] = [0, 0]
  const step = (sign: Sign): void => {
    steps.push({ sign, line: sign === '+' ? after[right]! : before[left]!, before: left, after: right })
    if (sign !== '+') left++
    if (sign !== '-') right++
  }
  while (left < start) step(' ')
  const [old, fresh] = [before.slice(start, before.length - end), after.slice(start, after.length - end)]
  for (const sign of signsBetween(old, fresh)) step(sign)
  while (left < before.length) step(' ')
  return steps
}

function signsBetween(old: readonly string[], fresh: readonly string[]): readonly Sign[] {
  if (old.length * fresh.length > mostComparisons) return [...old.map((): Sign => '-'), ...fresh.map((): Sign => '+')]
  const width = fresh.length + 1
  /** How many lines the rest of either text has in common, from the end. */
  const common = new Uint32Array((old.length + 1) * width)
  for (let row = old.length - 1; row >= 0; row--) {
    for (let column = fresh.length - 1; column >= 0; column--) {
      const here = row * width + column
      common[here] =
        old[row] === fresh[column] ? common[here + width + 1]! + 1 : Math.max(common[here + width]!, common[here + 1]!)
    }
  }
  const signs: Sign[] = []
  let [row, column] = [0, 0]
  while (row < old.length || column < fresh.length) {
    const here = row * width + column
    if (row < old.length && column < fresh.length && old[row] === fresh[column]) {
      signs.push(' ')
      row++
      column++
    } else if (row < old.length && (column === fresh.length || common[here + width]! >= common[here + 1]!)) {
      signs.push('-')
      row++
    } else {
      signs.push('+')
      column++
    }
  }
  return signs
}

/** The changes with what stands around them; those whose surroundings touch are one. */
function hunksOf(steps: readonly Step[]): readonly (readonly Step[])[] {
  const hunks: Step[][] = []
  let until = -1
  for (const [index, { sign }] of steps.entries()) {
    if (sign === ' ') continue
    const from = Math.max(index - around, until)
    if (hunks.length === 0 || index - around > until) hunks.push([])
    until = Math.min(index + around + 1, steps.length)
    hunks.at(-1)!.push(...steps.slice(Math.max(from, 0), until))
  }
  return hunks
}

function hunkText(steps: readonly Step[]): string {
  const first = steps[0]!
  const range = (start: number, missing: Sign): string => {
    const count = steps.filter(({ sign }) => sign !== missing).length
    // An empty range is named by the line before it.
    return `${count === 0 ? start : start + 1}${count === 1 ? '' : `,${count}`}`
  }
  const lines = steps.map(({ sign, line }) =>
    line.endsWith('\n') ? `${sign}${line}` : `${sign}${line}\n\\ No newline at end of file\n`,
  )
  return [`@@ -${range(first.before, '+')} +${range(first.after, '-')} @@\n`, ...lines].join('')
}
