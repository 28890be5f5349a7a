import { describe, expect, test } from 'vitest'
import { zoneClock } from '../../src/phones/zone-clock.ts'

const dayMs = 86_400_000
const zones = Intl.supportedValuesOf('timeZone')

/** Minutes ahead of UTC as Intl has it, read another way than the source does: from the parts of the local time. */
function minutesAhead(timeZone: string, time: number): number {
  const format = new Intl.DateTimeFormat('en', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
  })
  const parts = Object.fromEntries(format.formatToParts(time).map(({ type, value }) => [type, Number(value)]))
  const local = Date.UTC(parts.year!, parts.month! - 1, parts.day!, parts.hour!, parts.minute!)
  return Math.round((local - time) / 60_000)
}

/** When a phone with this rule turns its clock, in UTC. */
function turnIn(
  year: number,
  turn: { month: number; week: number; weekday: number; hour: number },
  ahead: number,
): number {
  const first = new Date(Date.UTC(year, turn.month - 1, 1)).getUTCDay()
  let day = 1 + ((turn.weekday - first + 7) % 7) + (turn.week - 1) * 7
  while (new Date(Date.UTC(year, turn.month - 1, day)).getUTCMonth() !== turn.month - 1) day -= 7
  return Date.UTC(year, turn.month - 1, day, turn.hour) - ahead * 60_000
}

describe('the clock of a phone', () => {
  test('agrees with every zone that Intl knows, a day before and a day after each turn, for ten years', () => {
    const turning = zones.filter((zone) => zoneClock(zone).summer !== null)
    expect(turning.length).toBeGreaterThan(80)
    for (const zone of turning) {
      const { minutes, summer } = zoneClock(zone)
      for (let year = 2027; year <= 2036; year++) {
        const start = turnIn(year, summer!.start, minutes)
        const end = turnIn(year, summer!.end, minutes + summer!.saveMinutes)
        const told = [start - dayMs, start + dayMs, end - dayMs, end + dayMs].map((time) => minutesAhead(zone, time))
        const on = minutes + summer!.saveMinutes
        expect([zone, year, ...told]).toEqual([zone, year, minutes, on, on, minutes])
      }
    }
  })

  test('without a turn has the hour that holds all year, or most of the time', () => {
    const still = zones.filter((zone) => zoneClock(zone).summer === null)
    expect(still.length).toBeGreaterThan(200)
    for (const zone of still) {
      const months = Array.from({ length: 120 }, (_, month) => Date.UTC(2027, month, 15))
      const agreeing = months.filter((time) => minutesAhead(zone, time) === zoneClock(zone).minutes)
      expect([zone, agreeing.length > 60]).toEqual([zone, true])
    }
  })

  test.each([
    ['Europe/Berlin', '+01:00', '+1', 'LST-1LDT-2,M3.5.0/02:00:00,M10.5.0/03:00:00'],
    ['America/St_Johns', '-03:30', '-3:30', 'LST3:30LDT2:30,M3.2.0/02:00:00,M11.1.0/02:00:00'],
    ['Pacific/Chatham', '+12:45', '+12:45', 'LST-12:45LDT-13:45,M9.5.0/02:45:00,M4.1.0/03:45:00'],
    ['Asia/Kolkata', '+05:30', '+5:30', 'LST-5:30'],
    ['UTC', '+00:00', '0', 'LST0'],
  ])('in %s is %s', (zone, offset, short, posix) => {
    expect(zoneClock(zone)).toMatchObject({ offset, short, posix })
  })
})
