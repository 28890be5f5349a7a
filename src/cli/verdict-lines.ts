import { counted } from '../domain/counted.ts'
import { byClick } from '../domain/leaver-doors.ts'
import { extensionAt } from '../domain/sip-account.ts'
import type { AccessLine, EmployeeView } from '../journeys/application.ts'
import { cells, paint, safe, shortly, type Terminal, type Tone, table, when, wrappedUnder } from './terminal.ts'

// A sign and a word: neither colour nor sign alone carries the meaning.
const marks: Readonly<Record<AccessLine['verdict'], readonly [string, Tone]>> = {
  converged: ['✓', 'good'],
  retrying: ['↻', 'warn'],
  waiting: ['!', 'warn'],
  unverifiable: ['?', 'warn'],
}

/** Somebody has vouched for it; still not the same as seen. */
const ticked: readonly [string, Tone] = ['☑', 'quiet']

/** A column of evidence that is narrower than this would be a tower of words. */
const narrowestEvidence = 36
const longestInColumn = 90
const timeWidth = '2026-11-22 14:00'.length

/** One line for each door: verdict, door, what was seen or is wrong, when; hints below. */
export function verdictLines(terminal: Terminal, lines: readonly AccessLine[]): string[] {
  if (lines.length === 0) return ['  no doors yet']
  const heads = lines.map((line) => headOf(terminal, line, lines))
  const indent = [0, 1, 2].reduce(
    (sum, column) => sum + Math.max(5, ...heads.map((head) => cells(head[column]!))) + 2,
    0,
  )
  const room = terminal.width - indent
  if (terminal.outIsTerminal && room - timeWidth - 2 < narrowestEvidence)
    return [...narrow(terminal, heads, lines, room), ...hints(terminal, lines)]
  const rows = lines.map((line, index) => [
    ...heads[index]!,
    paint(terminal, 'quiet', shortly(line.at)),
    isLong(terminal, line) ? `${line.verdict === 'waiting' ? 'a step for you' : 'more'}, below` : evidence(line),
  ])
  const heading = ['  verdict', 'door', 'state', 'seen (UTC)', 'evidence']
  return [...table(terminal, heading, rows), ...paragraphs(terminal, lines), ...hints(terminal, lines)]
}

/** Too little room beside the door: what was seen stands under it, and the time too where even that has no room. */
function narrow(terminal: Terminal, heads: readonly string[][], lines: readonly AccessLine[], room: number): string[] {
  const hasRoom = room >= timeWidth
  const times = (line: AccessLine) => (hasRoom ? [paint(terminal, 'quiet', shortly(line.at))] : [])
  const heading = ['  verdict', 'door', 'state', ...(hasRoom ? ['seen (UTC)'] : [])]
  const [first = '', ...rows] = table(
    terminal,
    heading,
    heads.map((head, index) => [...head, ...times(lines[index]!)]),
  )
  return [
    first,
    ...lines.flatMap((line, index) => [
      rows[index]!,
      ...wrappedUnder(terminal, hasRoom ? evidence(line) : `${evidence(line)} (${shortly(line.at)} UTC)`, 4).map(
        (text) => paint(terminal, 'quiet', text),
      ),
    ]),
  ]
}

function headOf(terminal: Terminal, line: AccessLine, all: readonly AccessLine[]): string[] {
  const [sign, tone] = line.acknowledged ? ticked : marks[line.verdict]
  const isAlone = all.filter(({ system }) => system === line.system).length === 1
  const of = line.subject.name ? ` of ${safe(line.subject.name)}` : ` ${safe(line.subject.id.slice(-6))}`
  const isDone = line.verdict === 'converged'
  return [
    `  ${paint(terminal, tone, `${sign} ${line.acknowledged ? `${line.verdict}, ticked` : line.verdict}`)}`,
    `${safe(line.system)}${isAlone ? '' : paint(terminal, 'quiet', of)}`,
    line.wanted === 'closed' ? (isDone ? 'shut' : 'to be shut') : isDone ? 'open' : 'to be opened',
  ]
}

function evidence({ verdict, evidence: seen, problem, acknowledged }: AccessLine): string {
  const said = verdict === 'converged' ? (seen?.summary ?? '') : (problem ?? seen?.summary ?? '')
  return `${safe(said)}${acknowledged ? ` (ticked by ${safe(acknowledged.by)}, ${when(acknowledged.at)})` : ''}`
}

/** A paragraph in a narrow column is hard to read; in a pipe each door stays one line. */
function isLong(terminal: Terminal, line: AccessLine): boolean {
  return terminal.outIsTerminal && evidence(line).length > longestInColumn
}

function paragraphs(terminal: Terminal, lines: readonly AccessLine[]): string[] {
  return lines
    .filter((line) => isLong(terminal, line))
    .flatMap((line) => [
      '',
      `  ${paint(terminal, 'strong', `${safe(line.system)}: ${line.verdict === 'waiting' ? 'do this, then tick it' : line.verdict}`)}`,
      ...wrappedUnder(terminal, evidence(line), 4),
    ])
}

/** Each hint once, however many doors it is about. */
function hints(terminal: Terminal, lines: readonly AccessLine[]): string[] {
  const open = lines.filter(
    ({ verdict, hint, acknowledged }) => verdict !== 'converged' && hint !== null && !acknowledged,
  )
  const told = new Set(open.map(({ system, hint }) => `hint ${safe(system)}: ${safe(hint ?? '')}`))
  return [...told].flatMap((text) => {
    const [first = '', ...more] = wrappedUnder(terminal, text, 2)
    return [first.replace('hint', paint(terminal, 'strong', 'hint')), ...more]
  })
}

export function isShut(line: AccessLine): boolean {
  return line.wanted === 'closed' && line.verdict === 'converged'
}

/** Of somebody who is here: doors that are in use, and whatever of before was not seen shut. Of leavers those of the click. */
export function currentDoors({
  lifecycle,
  access,
  offboardRequestedAt,
}: Pick<EmployeeView, 'lifecycle' | 'access' | 'offboardRequestedAt'>): readonly AccessLine[] {
  return lifecycle === 'active' ? access.filter((line) => !isShut(line)) : byClick(access, offboardRequestedAt).during
}

export function foldedLine(count: number): string[] {
  if (count === 0) return []
  return [
    `  ${count} earlier ${count === 1 ? 'door' : 'doors (keys, certificates, links)'}, all shut (--all shows them)`,
  ]
}

export function personLine(
  terminal: Terminal,
  view: Pick<EmployeeView, 'name' | 'email' | 'extension' | 'pbx' | 'lifecycle'>,
): string {
  const tone = view.lifecycle === 'active' ? 'good' : view.lifecycle === 'offboarding' ? 'warn' : 'quiet'
  return `${paint(terminal, 'strong', safe(view.name))} <${safe(view.email)}>  extension ${safe(extensionAt(view))}  ${paint(terminal, tone, view.lifecycle)}`
}

/** `4 doors: 3 shut, 1 waiting` */
export function tally(lines: readonly AccessLine[]): string {
  const counts = new Map<string, number>()
  for (const { verdict, wanted, acknowledged } of lines) {
    const word = verdict === 'converged' ? (wanted === 'closed' ? 'shut' : 'open') : acknowledged ? 'ticked' : verdict
    counts.set(word, (counts.get(word) ?? 0) + 1)
  }
  return `${counted(lines.length, 'door')}: ${[...counts].map(([word, count]) => `${count} ${word}`).join(', ')}`
}
