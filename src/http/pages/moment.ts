/** Times for people: in the server's own time zone, which stands at the foot of every page. */
import { AppError } from '../../errors.ts'
import { type Html, type HtmlValue, html } from '../html.ts'

type Format = keyof typeof options
const options = {
  full: { dateStyle: 'medium', timeStyle: 'medium' },
  short: { dateStyle: 'medium', timeStyle: 'short' },
  clock: { timeStyle: 'short' },
  day: { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' },
} satisfies Readonly<Record<string, Intl.DateTimeFormatOptions>>

/** Made when a page first needs one, so that the setting is read by then; making one costs far more than using it. */
const made = new Map<Format, Intl.DateTimeFormat>()
function written(at: Date, format: Format): string {
  const known = made.get(format) ?? new Intl.DateTimeFormat('en-GB', options[format])
  made.set(format, known)
  return known.format(at)
}

/** `Europe/Berlin`: RINGFENCE_TIME_ZONE, or what the host or the container was told by TZ. */
export function zone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone
}

/** `3 Feb 2026, 10:42`; the title has the seconds and the zone. */
export function moment(at: string): Html {
  return timeElement(at, 'short')
}

/** `10:42` as plain text, where no element can stand. */
export function clockText(at: string): string {
  return written(new Date(at), 'clock')
}

/** `10:42`, where the day is said elsewhere. */
export function clockTime(at: string): Html {
  return timeElement(at, 'clock')
}

/** `Tuesday 3 February 2026` */
export function dayOf(at: string): string {
  return written(new Date(at), 'day')
}

export function momentText(at: string): string {
  return `${written(new Date(at), 'short')} (${zone()})`
}

/** Text in which times stand as the machine writes them, for people. */
export function withMoments(text: string): HtmlValue {
  const parts = text.split(/(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)/)
  return parts.map((part, index) => (index % 2 === 1 ? moment(part) : part))
}

function timeElement(at: string, format: Format): Html {
  const date = new Date(at)
  // A label or a reason may look like a time and be none: it stays as somebody typed it.
  if (Number.isNaN(date.getTime())) return html`${at}`
  return html`<time datetime="${at}" title="${written(date, 'full')} ${zone()}">${written(date, format)}</time>`
}

/** `640 ms`, `3.2 s`, `4 minutes`, `7 hours`, `12 days` */
export function duration(milliseconds: number): string {
  if (milliseconds < 1_000) return `${Math.max(0, Math.round(milliseconds))} ms`
  const seconds = milliseconds / 1_000
  if (seconds < 120) return `${seconds.toFixed(1)} s`
  const minutes = seconds / 60
  if (minutes < 120) return `${Math.round(minutes)} minutes`
  const hours = minutes / 60
  return hours < 48 ? `${Math.round(hours)} hours` : `${Math.round(hours / 24)} days`
}

/** What `<input type="datetime-local">` holds for a time. */
export function localInput(at: string): string {
  const date = new Date(at)
  const two = (number: number) => String(number).padStart(2, '0')
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}T${two(date.getHours())}:${two(date.getMinutes())}`
}

/** And the time for what it holds, in this server's zone. @throws AppError INVALID_INPUT */
export function readLocal(text: string): string {
  const read = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?$/.test(text) ? new Date(text.replace(' ', 'T')) : null
  if (read === null || Number.isNaN(read.getTime()))
    throw new AppError('INVALID_INPUT', 'this is not a date and time', {
      hint: 'write it like 2026-12-31 17:00',
      problems: [{ field: 'at', message: 'this is not a date and time' }],
    })
  return read.toISOString()
}
