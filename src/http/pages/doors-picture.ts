/**
 * The one picture: the doors of a person as a row of signs. Each sign says its state by word and shape; colour only
 * repeats it. Nothing is shown as open or shut that was not seen so.
 */
import { wordsMark } from '../../domain/condition.ts'
import { counted } from '../../domain/counted.ts'
import type { AccessLine } from '../../journeys/application.ts'
import { sentence } from '../console-words.ts'
import { type DoorLine, type DoorState, doorName, doorState } from '../door-words.ts'
import { type Html, html } from '../html.ts'
import { duration, moment } from './moment.ts'

export interface DoorsPictureOptions {
  /** What a line is about, in words ("Linphone on iOS or Android"); told where one door has several lines. */
  readonly subject?: (subject: AccessLine['subject']) => string | null
  /** Where a waiting or unverifiable line is ticked (form fields `system`, `subjectId`); absent: this viewer may not. */
  readonly tickAt?: string | undefined
  /** The click of an offboarding: shut lines say how long after it. */
  readonly clickedAt?: string | null
}

const signs: Readonly<Record<DoorState, string>> = {
  open: '○',
  opening: '◐',
  shut: '●',
  closing: '◐',
  stuck: '×',
  waiting: '!',
  unverifiable: '?',
  ticked: '✓',
}

const words: Readonly<Record<DoorState, string>> = {
  open: 'open',
  opening: 'opening',
  shut: 'shut',
  closing: 'closing',
  stuck: 'stuck',
  waiting: 'waiting for a person',
  unverifiable: 'cannot be read back',
  ticked: 'ticked by a person',
}

/** What needs a look comes first. */
const urgency: readonly DoorState[] = [
  'stuck',
  'waiting',
  'unverifiable',
  'closing',
  'opening',
  'ticked',
  'open',
  'shut',
]

/** Under a small sign: not everybody has every door, so the place in the row does not tell which it is. */
const shortNames: Readonly<Record<string, string>> = {
  'phone-door': 'door',
  tunnel: 'tun',
  firewall: 'fw',
  certificate: 'cert',
  edge: 'edge',
  'allow-list': 'list',
  'sip-account': 'sip',
  extension: 'ext',
}

/** Of several lines: the one that needs a look first. */
function worstState(lines: readonly DoorLine[]): DoorState {
  const states = lines.map(doorState)
  return urgency.find((state) => states.includes(state)) ?? 'shut'
}

/** A state as word and shape; `text` instead of the usual word. */
export function stateSign(state: DoorState, text: string = words[state]): Html {
  return html`<span class="state ${state}">${text}</span>`
}

/** Whoever may tick it is the one who is waited for. */
function wordFor(state: DoorState, { tickAt }: Pick<DoorsPictureOptions, 'tickAt'>): string {
  return state === 'waiting' && tickAt !== undefined ? 'waiting for you' : words[state]
}

/** Small, for lists: one sign for each door; the words are read out and shown on hovering. */
export function doorSigns(lines: readonly DoorLine[]): Html {
  if (lines.length === 0) return html`<small>no doors yet</small>`
  return html`<ul class="doors small">${[...bySystem(lines)].map(([system, its]) => {
    const state = worstState(its)
    const told = `${doorName(system)}: ${words[state]}`
    return html`<li><span class="sign ${state}" role="img" aria-label="${told}" title="${told}">${signs[state]}<small>${shortNames[system] ?? system.slice(0, 3)}</small></span></li>`
  })}</ul>`
}

/** Those that the click did not shut any more, folded away: when they were shut, and whose they were. */
export function shutBefore(lines: readonly AccessLine[], subject: DoorsPictureOptions['subject']): Html | false {
  return (
    lines.length > 0 &&
    html`<details id="shut-before"><summary>${counted(lines.length, 'door was', 'doors were')} shut before the click</summary>
<ul class="lines">${lines.map((line) => html`<li><p>${doorName(line.system)}${withComma(subject?.(line.subject))}: <small>${whyBefore(line)} ${moment(line.shutAt ?? line.at)}</small></p></li>`)}</ul></details>`
  )
}

export function whyBefore({ system, subject }: AccessLine): string {
  if (subject.name?.endsWith(', earlier key')) return 'replaced by a new key'
  return system === 'certificate' ? 'revoked' : 'shut'
}

function withComma(owner: string | null | undefined): string {
  return owner ? `, ${owner}` : ''
}

/** Large, for the person's own pages: evidence, time, next try and the step to tick on demand. */
export function doorsPicture(lines: readonly AccessLine[], options: DoorsPictureOptions = {}): Html {
  if (lines.length === 0) return html`<p class="hint">No doors yet: no handset has been handed out.</p>`
  return html`<ul class="doors">${[...bySystem(lines)].map(([system, its]) => door(system, its, options))}</ul>`
}

function door(system: string, lines: readonly AccessLine[], options: DoorsPictureOptions): Html {
  const state = worstState(lines)
  const latest = lines
    .map(({ at }) => at)
    .sort()
    .at(-1)!
  const needsYou = state === 'waiting' || state === 'unverifiable' || state === 'stuck'
  return html`<li><details id="door-${system}"${needsYou && html` open`}>
<summary id="door-${system}-sign"><b>${doorName(system)}</b>${stateSign(state, wordFor(state, options))}<small>${tally(lines)}${moment(latest)}</small></summary>
<ul class="lines">${lines.map((line) => evidence(line, lines.length > 1, options))}</ul>
</details></li>`
}

/** `2 open, 1 shut · `, where there is more than one. */
function tally(lines: readonly AccessLine[]): string {
  if (lines.length < 2) return ''
  const counts = Map.groupBy(lines, doorState)
  return `${urgency.flatMap((state) => (counts.has(state) ? [`${counts.get(state)!.length} ${state}`] : [])).join(', ')} · `
}

function evidence(
  line: AccessLine,
  several: boolean,
  { subject, tickAt, clickedAt = null }: DoorsPictureOptions,
): Html {
  const state = doorState(line)
  const name = several ? (subject?.(line.subject) ?? line.subject.name ?? 'of the extension') : null
  // The button says what the hint of a waiting step would: do it, then tick it.
  const ticking = tickAt !== undefined && (state === 'waiting' || state === 'unverifiable')
  const after = state === 'shut' && clickedAt !== null ? Date.parse(line.at) - Date.parse(clickedAt) : -1
  return html`<li>
${several && html`<p>${stateSign(state, wordFor(state, { tickAt }))} ${name}</p>`}
${line.verdict !== 'converged' && line.problem !== null && html`<p>${sentence(line.problem)}</p>`}
${line.evidence && html`<p class="seen">${state === 'open' || state === 'shut' ? 'Seen' : 'Last seen'}: ${line.evidence.summary}</p>`}
${line.hint !== null && line.verdict !== 'converged' && !(ticking && state === 'waiting') && html`<p class="hint">${sentence(line.hint)}</p>`}
<p><small>${moment(line.at)}${after >= 0 && ` · ${duration(after)} after the click`}${line.nextTryAt !== null && html` · next try ${moment(line.nextTryAt)}`}</small></p>
${line.acknowledged && html`<p><small>Ticked by <bdi>${line.acknowledged.by}</bdi>, ${moment(line.acknowledged.at)}</small></p>`}
${ticking && tick(line, tickAt, name)}
</li>`
}

function tick({ system, subject, verdict, problem }: AccessLine, action: string, name: string | null): Html {
  const what = `${doorName(system)}${name === null ? '' : `, ${name}`}`
  return html`<form method="post" action="${action}" class="tick"><input type="hidden" name="system" value="${system}">
<input type="hidden" name="subjectId" value="${subject.id}">
<input type="hidden" name="shown" value="${wordsMark(problem)}">
<button id="tick-${system}-${subject.id}">${verdict === 'waiting' ? 'I did this: tick it' : 'I vouch for it: tick it'}<span class="unseen">: ${what}</span></button></form>`
}

function bySystem<Line extends DoorLine>(lines: readonly Line[]): Map<string, Line[]> {
  return Map.groupBy(lines, ({ system }) => system)
}
