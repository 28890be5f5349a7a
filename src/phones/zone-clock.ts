/** A time zone as phones want it: hours from UTC and the two turns of the year, since none of them knows names of zones alike. */
export interface ZoneClock {
  readonly name: string
  /** Minutes that standard time is ahead of UTC. */
  readonly minutes: number
  /** `+01:00` */
  readonly offset: string
  /** `+1`, `-3:30`, `0` */
  readonly short: string
  /** Null where clocks are not turned, or not by a rule that can be said as "the third Sunday of March". */
  readonly summer: { readonly saveMinutes: number; readonly start: Turn; readonly end: Turn } | null
  /** A TZ string of POSIX (IEEE Std 1003.1, section 8.3), which counts hours west of Greenwich. */
  readonly posix: string
}

interface Turn {
  readonly month: number
  /** 1 to 4, or 5 for the last. */
  readonly week: number
  /** 0 is Sunday. */
  readonly weekday: number
  /** 1 is Monday, 7 is Sunday. */
  readonly isoWeekday: number
  /** The first day of the month that can be it; -1 for the last week. */
  readonly fromDay: number
  /** As the clock shows it just before it is turned. */
  readonly hour: number
  readonly minute: number
}

// Fixed, so that a file stays the same from one year to the next. Twelve years have a month begin on every weekday, and the
// zone data of ICU goes as far.
const years = Array.from({ length: 12 }, (_, index) => 2026 + index)
const dayMs = 86_400_000
const known = new Map<string, ZoneClock>()

/** @param name of a zone that Intl knows */
export function zoneClock(name: string): ZoneClock {
  const clock = known.get(name) ?? clockOf(name)
  known.set(name, clock)
  return clock
}

function clockOf(name: string): ZoneClock {
  const offsetAt = offsetReader(name)
  const turns = years.map((year) => turnsOf(year, offsetAt))
  const winter = commonest(turns, offsetAt)
  const summer = summerOf(turns)
  const minutes = summer ? summer.minutes : winter
  const rule = summer && { saveMinutes: summer.saveMinutes, start: summer.start, end: summer.end }
  return {
    name,
    minutes,
    offset: clockText(minutes),
    short: shortText(minutes),
    summer: rule,
    posix: posixOf(minutes, rule),
  }
}

interface Change {
  readonly at: number
  readonly before: number
  readonly after: number
}

/** Looks every two weeks, then to the minute. */
function turnsOf(year: number, offsetAt: (time: number) => number): readonly Change[] {
  const changes: Change[] = []
  const end = Date.UTC(year + 1, 0, 1)
  let from = Date.UTC(year, 0, 1)
  let before = offsetAt(from)
  for (let to = from + 14 * dayMs; from < end; to += 14 * dayMs) {
    const until = Math.min(to, end)
    const after = offsetAt(until)
    if (after !== before) {
      let [low, high] = [from, until]
      while (high - low > 60_000) {
        const middle = low + Math.floor((high - low) / 120_000) * 60_000
        if (offsetAt(middle) === before) low = middle
        else high = middle
      }
      changes.push({ at: high, before, after })
    }
    from = until
    before = after
  }
  return changes
}

/** The rule that fits every year: the same two turns each time. */
function summerOf(turns: readonly (readonly Change[])[]) {
  if (turns.some((ofYear) => ofYear.length !== 2)) return null
  const starts = turns.map((ofYear) => ofYear.find(({ before, after }) => after > before))
  const ends = turns.map((ofYear) => ofYear.find(({ before, after }) => after < before))
  const start = turnOf(starts)
  const end = turnOf(ends)
  const [first] = starts
  if (!start || !end || !first) return null
  return { minutes: first.before, saveMinutes: first.after - first.before, start, end }
}

/** A turn on "the Friday before the last Sunday" is no nth Friday: then the day before or after it may be an nth one. */
function turnOf(changes: readonly (Change | undefined)[]): Turn | null {
  for (const shift of [0, -1, 1, -2, 2]) {
    const dates = changes.map((change) => change && new Date(change.at + change.before * 60_000 + shift * dayMs))
    const [first] = dates
    if (!first || dates.some((date) => date?.getUTCDay() !== first.getUTCDay())) return null
    const same = (read: (date: Date) => number) => dates.every((date) => date && read(date) === read(first))
    const week = [isLast(first) ? 5 : 0, Math.ceil(first.getUTCDate() / 7)].find(
      (nth) => nth > 0 && dates.every((date) => date && (nth === 5 ? isLast(date) : nthOf(date) === nth)),
    )
    if (week === undefined || !same((date) => date.getUTCMonth()) || !same((date) => date.getUTCHours())) continue
    // A phone has no 24th hour: such a clock is turned at most some hours early or late, twice a year.
    const minutes = Math.min(Math.max(first.getUTCHours() * 60 + first.getUTCMinutes() - shift * 1_440, 0), 1_439)
    return {
      month: first.getUTCMonth() + 1,
      week,
      weekday: first.getUTCDay(),
      isoWeekday: first.getUTCDay() || 7,
      fromDay: week === 5 ? -1 : week * 7 - 6,
      hour: Math.floor(minutes / 60),
      minute: minutes % 60,
    }
  }
  return null
}

function nthOf(date: Date): number {
  return Math.ceil(date.getUTCDate() / 7)
}

function isLast(date: Date): boolean {
  return new Date(date.getTime() + 7 * dayMs).getUTCMonth() !== date.getUTCMonth()
}

/** For clocks without a rule: what holds most of the time (Gaza turns its clock by the moon). */
function commonest(turns: readonly (readonly Change[])[], offsetAt: (time: number) => number): number {
  if (turns.every((ofYear) => ofYear.length === 0)) return offsetAt(Date.UTC(years[0]!, 0, 1))
  const months = years.flatMap((year) => Array.from({ length: 12 }, (_, month) => offsetAt(Date.UTC(year, month, 15))))
  const counts = Map.groupBy(months, (minutes) => minutes)
  return [...counts].sort((one, other) => other[1].length - one[1].length)[0]![0]
}

/** Minutes ahead of UTC at a time, as Intl says it: `GMT+05:30`. */
function offsetReader(timeZone: string): (time: number) => number {
  const format = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' })
  return (time) => {
    const [, sign, hours, minutes] = /GMT([+-])(\d\d):(\d\d)/.exec(format.format(time)) ?? []
    return (sign === '-' ? -1 : 1) * (Number(hours ?? 0) * 60 + Number(minutes ?? 0))
  }
}

function clockText(minutes: number): string {
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60]
  return `${minutes < 0 ? '-' : '+'}${String(hours).padStart(2, '0')}:${String(rest).padStart(2, '0')}`
}

function shortText(minutes: number): string {
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60]
  return `${minutes === 0 ? '' : minutes < 0 ? '-' : '+'}${hours}${rest === 0 ? '' : `:${rest}`}`
}

function posixOf(minutes: number, summer: ZoneClock['summer']): string {
  const west = (ahead: number) => shortText(-ahead).replace('+', '')
  const two = (part: number) => String(part).padStart(2, '0')
  const turn = ({ month, week, weekday, hour, minute }: Turn) =>
    `M${month}.${week}.${weekday}/${two(hour)}:${two(minute)}:00`
  // The letters mean nothing to anybody but must be there.
  if (summer === null) return `LST${west(minutes)}`
  return `LST${west(minutes)}LDT${west(minutes + summer.saveMinutes)},${turn(summer.start)},${turn(summer.end)}`
}
