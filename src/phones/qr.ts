import { create } from 'qrcode'
import { AppError } from '../errors.ts'

/** How much of the code may be unreadable: L 7, M 15, Q 25 per cent (ISO/IEC 18004). */
export type QrLevel = 'L' | 'M' | 'Q'

/** A camera needs this much white around the code (ISO/IEC 18004: four modules). */
const quietZone = 4

/** Above it (97 modules a side) cameras have trouble with a code on a laptop's screen. */
const largestComfortable = 20

/** A tunnel's `.conf` at M, or L where M makes too large a code; a softphone's short address at Q. */
export function qrLevel(content: 'tunnel' | 'address', text: string): QrLevel {
  if (content === 'address') return 'Q'
  try {
    return create(text, { errorCorrectionLevel: 'M' }).version > largestComfortable ? 'L' : 'M'
  } catch {
    // M has no room for it; L has a quarter more, and says so itself if that is not enough.
    return 'L'
  }
}

/**
 * A standalone SVG, black on white whatever the page's colours. It has no style attribute, so a strict CSP lets it be.
 * `title` is what a screen reader says. @throws AppError TOO_LARGE
 */
export function svg(text: string, level: QrLevel, title: string): string {
  const matrix = matrixOf(text, level)
  const size = matrix.length
  const strokes = matrix.flatMap((row, y) => runsOf(row).map(([x, length]) => `M${x} ${y}h${length}v1h-${length}z`))
  const name = title.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size} ${size}" role="img" aria-label="${name}" shape-rendering="crispEdges">` +
    `<title>${name}</title><path fill="#fff" d="M0 0h${size}v${size}H0z"/><path fill="#000" d="${strokes.join('')}"/></svg>`
  )
}

/**
 * Two modules to a character cell, with colours of the fixed 256-colour cube: the 16 named ones change with the terminal's
 * theme, and a code in the wrong colours is unreadable for many apps. @throws AppError TOO_LARGE
 */
export function terminal(text: string, level: QrLevel): string {
  const matrix = matrixOf(text, level)
  const lines: string[] = []
  for (let y = 0; y < matrix.length; y += 2) {
    const upper = matrix[y]!
    const lower = matrix[y + 1]
    const cells = upper.map((dark, x) => halfBlocks[(dark ? 2 : 0) + (lower?.[x] ? 1 : 0)])
    lines.push(`\u001b[38;5;16;48;5;231m${cells.join('')}\u001b[0m`)
  }
  return `${lines.join('\n')}\n`
}

/** By upper * 2 + lower, dark as ink. */
const halfBlocks = [' ', '▄', '▀', '█'] as const

/** Rows of modules, true = dark, with the quiet zone around. */
function matrixOf(text: string, level: QrLevel): readonly (readonly boolean[])[] {
  const { size, data } = modulesOf(text, level)
  const whole = size + 2 * quietZone
  return Array.from({ length: whole }, (_, y) =>
    Array.from({ length: whole }, (_, x) => {
      const row = y - quietZone
      const column = x - quietZone
      return row >= 0 && row < size && column >= 0 && column < size && data[row * size + column] === 1
    }),
  )
}

function modulesOf(text: string, level: QrLevel): { readonly size: number; readonly data: Uint8Array } {
  try {
    return create(text, { errorCorrectionLevel: level }).modules
  } catch (cause) {
    throw new AppError('TOO_LARGE', 'this is too much for a QR code', { hint: 'download the file instead', cause })
  }
}

/** Where the dark stretches of a row begin and how long they are: one path is a tenth of one rectangle per module. */
function runsOf(row: readonly boolean[]): readonly (readonly [number, number])[] {
  const runs: [number, number][] = []
  row.forEach((dark, x) => {
    if (!dark) return
    if (x > 0 && row[x - 1]) runs.at(-1)![1] += 1
    else runs.push([x, 1])
  })
  return runs
}
