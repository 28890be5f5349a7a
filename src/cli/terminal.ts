/** What is written to a terminal: safe text, signs with words, aligned columns. Colour only adds to what is said. */

export interface Terminal {
  /** One line, or several, on standard output. */
  out(text: string): void
  /** The same on standard error. */
  err(text: string): void
  /** As it is, without a line end: for lines that are drawn again. */
  rawOut(text: string): void
  rawErr(text: string): void
  /** A person watches standard output (or error): lines may be redrawn, codes drawn. */
  readonly outIsTerminal: boolean
  readonly errIsTerminal: boolean
  readonly colour: boolean
  readonly width: number
}

export type Tone = 'good' | 'bad' | 'warn' | 'quiet' | 'strong'

// SGR codes of ECMA-48; the 16 named colours follow the theme of the terminal, so they are readable on any.
const codes: Readonly<Record<Tone, string>> = { good: '32', bad: '31', warn: '33', quiet: '2', strong: '1' }

export function paint({ colour }: Pick<Terminal, 'colour'>, tone: Tone, text: string): string {
  return colour ? `\u001b[${codes[tone]}m${text}\u001b[0m` : text
}

// Cc and Cf: control and format characters (escape sequences, marks that turn the direction of a whole line, zero-width
// ones); Zl, Zp end lines; Cs and Co cannot be shown. Joiners stay: names in several scripts and emoji need them.
const unsafe = /(?!\u200c|\u200d)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}]/gu

/** Text that somebody typed, made harmless: what could move the cursor or turn the line around becomes `�`. */
export function safe(text: string): string {
  return text.replace(unsafe, '\ufffd')
}

/** Cells that a text takes: wide East Asian characters and emoji take two, marks none (UAX 11, as far as tables need). */
export function cells(text: string): number {
  const plain = text.replace(colourCode, '')
  let width = 0
  for (const { segment } of segmenter.segment(plain))
    width +=
      /\p{Emoji_Presentation}|\ufe0f|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/u.test(
        segment,
      )
        ? 2
        : /^[\p{M}\u200c\u200d]+$/u.test(segment)
          ? 0
          : 1
  return width
}

const colourCode = /\u001b\[[0-9;]*m/g
const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' })

/**
 * Rows under each other; an empty heading list prints none. In a terminal a long last column is wrapped into its own
 * column, elsewhere each row stays one line for `grep`.
 */
export function table(
  terminal: Pick<Terminal, 'colour' | 'outIsTerminal' | 'width'>,
  headings: readonly string[],
  rows: readonly (readonly string[])[],
): string[] {
  const all = [...(headings.length > 0 ? [headings.map((heading) => paint(terminal, 'quiet', heading))] : []), ...rows]
  const widths: number[] = []
  for (const row of all) {
    for (const [column, cell] of row.slice(0, -1).entries()) widths[column] = Math.max(widths[column] ?? 0, cells(cell))
  }
  const indent = widths.reduce((sum, width) => sum + width + 2, 0)
  const room = terminal.width - indent
  return all.flatMap((row) => {
    const start = row.slice(0, -1).map((cell, column) => `${cell}${' '.repeat(widths[column]! - cells(cell))}  `)
    const last = row.at(-1) ?? ''
    const [first = '', ...more] = terminal.outIsTerminal && room >= narrowest ? wrapped(last, room) : [last]
    return [`${start.join('')}${first}`.trimEnd(), ...more.map((line) => ' '.repeat(indent) + line)]
  })
}

/** A column of fewer cells is not readable any more; the terminal may then wrap as it likes. */
const narrowest = 24

/** Words into lines of at most `width` cells; painted text is one short word or stays as it is. */
export function wrapped(text: string, width: number): string[] {
  if (cells(text) <= width || text.includes('\u001b')) return [text]
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && cells(line) + 1 + cells(word) > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}

/** A sentence under something, indented; in a pipe it stays one line. */
export function wrappedUnder(
  { outIsTerminal, width }: Pick<Terminal, 'outIsTerminal' | 'width'>,
  text: string,
  indent: number,
): string[] {
  const room = outIsTerminal ? Math.min(width, 100) - indent : Number.POSITIVE_INFINITY
  return wrapped(text, room).map((line) => ' '.repeat(indent) + line)
}

/** Lines that are drawn over each other while something goes on; `clear` leaves no trace of them. */
export function redrawn(terminal: Terminal): { show(lines: readonly string[]): void; clear(): void } {
  let drawn = 0
  const clear = (): void => {
    // ECMA-48: cursor up, erase to the end of the screen.
    if (drawn > 0) terminal.rawOut(`\u001b[${drawn}A\u001b[0J`)
    drawn = 0
  }
  return {
    show(lines) {
      clear()
      terminal.rawOut(lines.map((line) => `${clipped(line, terminal.width)}\n`).join(''))
      drawn = lines.length
    },
    clear,
  }
}

/** A line that does not wrap: cut, and then without its colours, when it is too long. */
function clipped(line: string, width: number): string {
  if (cells(line) <= width) return line
  let text = ''
  for (const { segment } of segmenter.segment(line.replace(colourCode, ''))) {
    if (cells(text + segment) > width - 1) break
    text += segment
  }
  return `${text}…`
}

/** `2026-11-22 14:00`, in a column whose heading names the zone. */
export function shortly(time: string): string {
  return when(time).slice(0, 16)
}

/** `2026-11-22 14:00:05 UTC`: one zone for everybody who reads it. */
export function when(time: string): string {
  const date = new Date(time)
  return Number.isNaN(date.getTime()) ? safe(time) : `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`
}
