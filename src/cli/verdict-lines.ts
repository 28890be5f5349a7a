import type { AccessLine, EmployeeView } from '../journeys/application.ts'
import { paint, safe, type Terminal, type Tone, table, when, wrapped } from './terminal.ts'

// A sign and a word: neither colour nor sign alone carries the meaning.
const marks: Readonly<Record<AccessLine['verdict'], readonly [string, Tone]>> = {
  converged: ['✓', 'good'],
  retrying: ['↻', 'warn'],
  waiting: ['!', 'warn'],
  unverifiable: ['?', 'warn'],
}

/** Somebody has vouched for it; still not the same as seen. */
const ticked: readonly [string, Tone] = ['☑', 'quiet']

/** One line for each door: verdict, door, what was seen or is wrong, when; hints below. */
export function verdictLines(terminal: Terminal, lines: readonly AccessLine[]): string[] {
  if (lines.length === 0) return ['  no doors yet']
  const several = (line: AccessLine): boolean => lines.filter(({ system }) => system === line.system).length > 1
  const rows = lines.map((line) => {
    const [sign, tone] = line.acknowledged ? ticked : marks[line.verdict]
    return [
      `  ${paint(terminal, tone, `${sign} ${line.acknowledged ? `${line.verdict}, ticked` : line.verdict}`)}`,
      `${safe(line.system)}${several(line) ? paint(terminal, 'quiet', ` ${safe(line.subject.id.slice(-6))}`) : ''}`,
      line.wanted === 'closed'
        ? line.verdict === 'converged'
          ? 'shut'
          : 'to be shut'
        : line.verdict === 'converged'
          ? 'open'
          : 'to be opened',
      paint(terminal, 'quiet', when(line.at)),
      isLong(terminal, line) ? `${line.verdict === 'waiting' ? 'a step for you' : 'more'}, below` : evidence(line),
    ]
  })
  const heading = ['  verdict', 'door', 'state', 'seen', 'evidence']
  return [...table(terminal, heading, rows), ...paragraphs(terminal, lines), ...hints(terminal, lines)]
}

function evidence({ verdict, evidence: seen, problem, acknowledged }: AccessLine): string {
  const said = verdict === 'converged' ? (seen?.summary ?? '') : (problem ?? seen?.summary ?? '')
  return `${safe(said)}${acknowledged ? ` (ticked by ${safe(acknowledged.by)}, ${when(acknowledged.at)})` : ''}`
}

const longestInColumn = 90

/** A paragraph in a narrow column is hard to read; in a pipe each door stays one line. */
function isLong(terminal: Terminal, line: AccessLine): boolean {
  return terminal.outIsTerminal && evidence(line).length > longestInColumn
}

function paragraphs(terminal: Terminal, lines: readonly AccessLine[]): string[] {
  const room = Math.min(terminal.width, 100) - 4
  return lines
    .filter((line) => isLong(terminal, line))
    .flatMap((line) => [
      '',
      `  ${paint(terminal, 'strong', `${safe(line.system)}: ${line.verdict === 'waiting' ? 'do this, then tick it' : line.verdict}`)}`,
      ...wrapped(evidence(line), room).map((text) => `    ${text}`),
    ])
}

/** Each hint once, however many doors it is about. */
function hints(terminal: Terminal, lines: readonly AccessLine[]): string[] {
  const open = lines.filter(
    ({ verdict, hint, acknowledged }) => verdict !== 'converged' && hint !== null && !acknowledged,
  )
  return [
    ...new Set(
      open.map(({ system, hint }) => `  ${paint(terminal, 'strong', 'hint')} ${safe(system)}: ${safe(hint ?? '')}`),
    ),
  ]
}

export function personLine(
  terminal: Terminal,
  view: Pick<EmployeeView, 'name' | 'email' | 'extension' | 'lifecycle'>,
): string {
  const tone = view.lifecycle === 'active' ? 'good' : view.lifecycle === 'offboarding' ? 'warn' : 'quiet'
  return `${paint(terminal, 'strong', safe(view.name))} <${safe(view.email)}>  extension ${safe(view.extension)}  ${paint(terminal, tone, view.lifecycle)}`
}

/** `4 doors: 3 shut, 1 waiting` */
export function tally(lines: readonly AccessLine[]): string {
  const counts = new Map<string, number>()
  for (const { verdict, wanted, acknowledged } of lines) {
    const word = verdict === 'converged' ? (wanted === 'closed' ? 'shut' : 'open') : acknowledged ? 'ticked' : verdict
    counts.set(word, (counts.get(word) ?? 0) + 1)
  }
  return `${lines.length} ${lines.length === 1 ? 'door' : 'doors'}: ${[...counts].map(([word, count]) => `${count} ${word}`).join(', ')}`
}
