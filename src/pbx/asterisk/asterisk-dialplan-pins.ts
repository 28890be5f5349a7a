import type { SharedPin } from '../pbx-driver.ts'
import { shortLine } from '../short-line.ts'

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
  const calls = steps.flatMap((step) => callsIn(step).map((call) => ({ ...call, place: placeOf(step) })))
  const placesOf = (...names: Call['name'][]) =>
    new Set(calls.filter(({ name }) => names.includes(name)).map(({ place }) => place))
  const [lines, asking] = [placesOf('disa'), placesOf('authenticate')]
  const open = new Set(calls.filter((call) => isOpenLine(call) && !asking.has(call.place)).map(({ place }) => place))
  const rooms = placesOf('meetme', 'confbridge-pin')
  const kept = (places: ReadonlySet<string>) =>
    inWords(calls.filter(({ place }) => places.has(place)).flatMap((call) => keptIn(call)))
  const [behindPin, others] = [lines.difference(open), asking.difference(lines)]
  return [
    ...told(
      'disa',
      behindPin,
      (at) => `DISA at ${at} gives an outside line for a PIN, to be changed in ${kept(behindPin)}`,
    ),
    ...told(
      'disa',
      open,
      (at) => `DISA at ${at} gives an outside line and asks for no PIN itself: see who can reach it`,
    ),
    ...told(
      'outside-line-pin',
      others,
      (at) => `Authenticate at ${at} asks for a PIN, to be changed in ${kept(others)}`,
    ),
    ...told('conference-pin', rooms, (at) => `the dialplan sets the PIN of a conference at ${at}, to be changed there`),
  ]
}

function isOpenLine({ name, args }: Call): boolean {
  return name === 'disa' && args[0]?.toLowerCase() === 'no-password'
}

/** Where the PIN of one call is kept; a path is no secret. */
function keptIn(call: Call): string[] {
  const { name, args } = call
  if ((name !== 'disa' && name !== 'authenticate') || isOpenLine(call)) return []
  const [first = '', options = ''] = args
  if (name === 'authenticate' && options.includes('d')) return ["Asterisk's database"]
  return [first.startsWith('/') ? shortLine(first) : 'the dialplan']
}

function inWords(places: readonly string[]): string {
  const isMade = places.some((file) => /\/(?:disa-[0-9]+\.conf|pinset_[0-9]+)$/.test(file))
  return `${named(new Set(places))}${isMade ? ' (which FreePBX writes: change it on its pages)' : ''}`
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
  if (name) return asCall(name, data)
  if (written === 'set' || written === 'mset')
    return /CONFBRIDGE\(\s*user\s*,\s*pin\s*\)\s*=\s*[^\s,]/i.test(data) ? [{ name: 'confbridge-pin', args: [] }] : []
  if (!wrappers.includes(written)) return []
  return [...data.matchAll(/(?:^|[?:])\s*(DISA|Authenticate|MeetMe)\(([^)]*)\)/gi)].flatMap(([, inner, args]) => {
    const found = applications.find((one) => one === inner?.toLowerCase())
    return found ? asCall(found, args ?? '') : []
  })
}

/** A MeetMe without a PIN of its own asks for what stands in meetme.conf. */
function asCall(name: (typeof applications)[number], data: string): Call[] {
  const args = data.split(',').map((arg) => arg.trim())
  return name === 'meetme' && !args[2] ? [] : [{ name, args }]
}

const placeOf = ({ context, extension }: DialplanStep) => shortLine(`${extension}@${context}`)

function told(kind: SharedPin['kind'], at: ReadonlySet<string>, words: (at: string) => string): SharedPin[] {
  return at.size === 0 ? [] : [{ kind, words: words(named(at)) }]
}

const mostNamed = 8

export function named(all: ReadonlySet<string>): string {
  const shown = [...all].sort().slice(0, mostNamed).map(shortLine).join(', ')
  return all.size > mostNamed ? `${shown} and ${all.size - mostNamed} more` : shown
}
