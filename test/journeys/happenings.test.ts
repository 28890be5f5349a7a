import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AuditKind } from '../../src/domain/audit.ts'
import { byCause } from '../../src/journeys/alarms.ts'
import { tellEvent, tellFetch, toldKinds } from '../../src/journeys/audit-words.ts'
import { inARow } from '../../src/journeys/happenings.ts'
import type { Alarm, Happening } from '../../src/journeys/people-view.ts'
import { handsetOf, mia, onboarded, openWorld, person, steadyUrl, type World } from './world.ts'

describe('a sentence for everything that is recorded', () => {
  // The compiler sees to it that no kind is missing; here each is read.
  test.each(toldKinds.map((kind) => [kind]))('%s', (kind) => {
    const bare = tellEvent(kind as AuditKind, { detail: {}, subject: null })
    expect(bare).toMatch(/^[a-z“].{8,}[^.\s]$/u)
    expect(bare).not.toMatch(/undefined|null|\[object|NaN| {2}/)
    // Particulars of the wrong kind, as an older version may have left them, do not show either.
    const odd = { summary: 7, reason: {}, handsets: 'x', doors: 'many', durationMs: null, strangers: [null] }
    expect(tellEvent(kind as AuditKind, { detail: odd, subject: null })).not.toMatch(/undefined|null|\[object|NaN/)
  })

  test('what phones ask for, with the address and whether it is new', () => {
    const fetch = { outcome: 'served', fileName: '805ec0.cfg', reason: 'steady link', remoteAddress: '192.0.2.9' }
    expect(tellFetch(fetch, true, 'Yealink T54W')).toBe(
      'Yealink T54W asked for its file 805ec0.cfg from an address never seen before (192.0.2.9) and got it',
    )
    expect(tellFetch({ ...fetch, outcome: 'refused', reason: 'no such link' }, false, null)).toBe(
      'a phone asked for its file 805ec0.cfg from 192.0.2.9 and was refused: no such link',
    )
    expect(tellFetch({ ...fetch, fileName: 'page', reason: 'invite' }, false, null)).toBe(
      'the invite was opened from 192.0.2.9',
    )
  })

  test('the same visit many times in a row is one line with a count, other things in between start anew', () => {
    const visit = (minute: number, text: string): Happening => {
      const at = new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString()
      return { at, text, by: null, kind: 'visit', employeeId: 'e1', times: 1, since: at }
    }
    const told = inARow([visit(9, 'a'), visit(8, 'a'), visit(7, 'b'), visit(6, 'a')])
    expect(told.map(({ text, times, since }) => [text, times, since.slice(14, 16)])).toEqual([
      ['a', 2, '08'],
      ['b', 1, '07'],
      ['a', 1, '06'],
    ])
  })
})

describe('alarms', () => {
  const alarm = (text: string, employeeId: string | null, minute: number): Alarm => {
    const at = new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString()
    return { at, since: at, text, employeeId, kind: 'access.drift', count: 1 }
  }
  const gone = (address: string) => `the firewall was not as it should be: it does not admit ${address}; now converged`

  test('that differ by address, key or extension only are one line; another cause or outcome is another', () => {
    const told = byCause([
      alarm(gone('10.77.0.2/32'), 'e1', 9),
      alarm(gone('10.77.0.3/32, fd00::3/128'), 'e2', 8),
      alarm(gone('10.77.0.4/32').replace('converged', 'retrying'), 'e3', 7),
      alarm(`peer ${'k'.repeat(43)}= is strange`, null, 6),
      alarm(`peer ${'m'.repeat(43)}= is strange`, null, 5),
      alarm('extension 1001 is still registered', 'e1', 4),
      alarm('extension 1002 is still registered', 'e1', 3),
    ])
    expect(told.map(({ text, count, employeeId, since }) => [text, count, employeeId, since.slice(14, 16)])).toEqual([
      [gone('10.77.0.2/32'), 2, null, '08'],
      [gone('10.77.0.4/32').replace('converged', 'retrying'), 1, 'e3', '07'],
      ['peer kkkkkkkkkkkk… is strange', 2, null, '05'],
      ['extension 1001 is still registered', 2, 'e1', '03'],
    ])
  })
})

describe('the timeline of a person', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld()
  })
  afterAll(async () => world?.[Symbol.asyncDispose]())

  test('tells deeds and visits as one story, newest first, and names who did it', async () => {
    const { employee } = await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
    const handset = handsetOf(employee, 'linphone-mobile')
    const url = await steadyUrl(world, handset.id)
    await world.fetch(url, 'linphone.xml')
    await world.fetch(url, 'linphone.xml')
    await world.app.serveFile({
      token: url.split('/').at(-2)!,
      fileName: 'linphone.xml',
      remoteAddress: '198.51.100.77',
      userAgent: null,
      ifNoneMatch: null,
      method: 'GET',
    })
    await world.door.flush()
    await world.app.offboard(employee.id, 'end of contract', mia)
    await world.app.settled(employee.id, 10_000)

    const told = await world.app.people.happenings('1001')
    const texts = told.map(({ text }) => text)
    const place = (part: string) => texts.findIndex((text) => text.includes(part))
    expect(place('never seen before (198.51.100.77)')).toBeGreaterThanOrEqual(0)
    expect(place('onboarded with extension 1001: linphone-mobile')).toBeGreaterThan(place('never seen before (198.51'))
    expect(place('offboarding began')).toBeLessThan(place('never seen before (198.51'))
    expect(place('the leaver file is frozen')).toBeLessThan(place('offboarding began'))
    expect(told.find(({ text }) => text.startsWith('offboarding began'))).toMatchObject({
      by: 'Mia',
      text: expect.stringContaining('reason: end of contract'),
    })
    expect(told.toSorted((one, other) => (one.at < other.at ? 1 : one.at > other.at ? -1 : 0))).toEqual(told)
  })
})
