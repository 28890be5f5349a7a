import type { SharedPin } from './pbx-driver.ts'
import { shortLine } from './short-line.ts'

/** One priority of the running dialplan. */
export interface DialplanStep {
  readonly context: string
  readonly extension: string
  readonly application: string
  readonly data: string
}

/**
 * Where the running dialplan asks for a PIN, or gives an outside line without one. Pure. What is looked for (apps/app_disa.c,
 * app_authenticate.c, app_meetme.c, the CONFBRIDGE function): `DISA`, `Authenticate`, `MeetMe` with a PIN of its own, and a PIN
 * that is set for ConfBridge; also inside ExecIf, Exec and TryExec. VMAuthenticate asks for the PIN of a voicemail box, which
 * is a matter of that box; VoiceMailMain without a PIN (option `s`) is no secret that somebody takes along.
 *
 * The arguments hold the PINs: of them only the path of a file is ever told.
 */
export function pinsInDialplan(steps: readonly DialplanStep[]): readonly SharedPin[] {
  const [lines, lineFiles, open, asked, askFiles, rooms] = [places(), places(), places(), places(), places(), places()]
  const calls = steps.flatMap((step) => callsIn(step).map((call) => ({ ...call, place: placeOf(step) })))
  const guarded = new Set(calls.flatMap(({ name, place }) => (name === 'authenticate' ? [place] : [])))
  const opened = new Set(calls.flatMap(({ name, place }) => (name === 'disa' ? [place] : [])))
  for (const { name, args, place } of calls) {
    const [first = '', options = '', third = ''] = args
    const files = name === 'disa' || opened.has(place) ? lineFiles : askFiles
    if (first.startsWith('/') && !(name === 'authenticate' && options.includes('d'))) files.add(first)
    if (name === 'disa') {
      const asksNothing = first.toLowerCase() === 'no-password' && !guarded.has(place)
      ;(asksNothing ? open : lines).add(place)
    }
    if (name === 'authenticate' && !opened.has(place)) asked.add(place)
    if (name === 'meetme' && third !== '') rooms.add(place)
    if (name === 'confbridge-pin') rooms.add(place)
  }
  const from = (files: Set<string>) => {
    if (files.size === 0) return 'in the dialplan'
    const isMade = [...files].some((file) => /\/(?:disa-[0-9]+\.conf|pinset_[0-9]+)$/.test(file))
    return `in ${named(files)}${isMade ? ' (which FreePBX writes: change it on its pages)' : ''}`
  }
  return [
    ...told('disa', lines, (at) => `DISA at ${at} gives an outside line for a PIN, to be changed ${from(lineFiles)}`),
    ...told(
      'disa',
      open,
      (at) => `DISA at ${at} gives an outside line and asks for no PIN itself: see who can reach it`,
    ),
    ...told('outside-line-pin', asked, (at) => `Authenticate at ${at} asks for a PIN, to be changed ${from(askFiles)}`),
    ...told('conference-pin', rooms, (at) => `the dialplan sets the PIN of a conference at ${at}, to be changed there`),
  ]
}

interface Call {
  readonly name: 'disa' | 'authenticate' | 'meetme' | 'confbridge-pin'
  readonly args: readonly string[]
}

const applications = ['disa', 'authenticate', 'meetme'] as const
const wrappers = ['execif', 'exec', 'tryexec']

function callsIn({ application, data }: DialplanStep): Call[] {
  const written = application.toLowerCase()
  const name = applications.find((one) => one === written)
  if (name) return [{ name, args: split(data) }]
  if (written === 'set' || written === 'mset')
    return /CONFBRIDGE\(\s*user\s*,\s*pin\s*\)\s*=\s*[^\s,]/i.test(data) ? [{ name: 'confbridge-pin', args: [] }] : []
  if (!wrappers.includes(written)) return []
  return [...data.matchAll(/(?:^|[?:])\s*(DISA|Authenticate|MeetMe)\(([^)]*)\)/gi)].flatMap(([, inner, args]) => {
    const found = applications.find((one) => one === inner?.toLowerCase())
    return found ? [{ name: found, args: split(args ?? '') }] : []
  })
}

const split = (data: string) => data.split(',').map((arg) => arg.trim())
const places = () => new Set<string>()
const placeOf = ({ context, extension }: DialplanStep) => shortLine(`${extension}@${context}`)

function told(kind: SharedPin['kind'], at: ReadonlySet<string>, words: (at: string) => string): SharedPin[] {
  return at.size === 0 ? [] : [{ kind, words: words(named(at)) }]
}

const mostNamed = 8

export function named(all: ReadonlySet<string>): string {
  const shown = [...all].sort().slice(0, mostNamed).map(shortLine).join(', ')
  return all.size > mostNamed ? `${shown} and ${all.size - mostNamed} more` : shown
}
