import { describe, expect, test } from 'vitest'
import { doorState } from '../../src/http/door-words.ts'
import { htmlText } from '../../src/http/html.ts'
import { doorSigns, doorsPicture } from '../../src/http/pages/doors-picture.ts'
import type { AccessLine } from '../../src/journeys/application.ts'

const at = '2026-11-22T14:00:00.000Z'

function line(change: Partial<AccessLine> = {}): AccessLine {
  return {
    system: 'tunnel',
    instance: 'default',
    subject: { kind: 'tunnel', id: '01939d2c-0000-7000-8000-000000000001' },
    wanted: 'open',
    verdict: 'converged',
    evidence: { summary: 'peer present', facts: {} },
    problem: null,
    hint: null,
    nextTryAt: null,
    at,
    acknowledged: null,
    ...change,
  }
}

const ticked = { by: 'mia@example.com', at }

describe('the state of a door', () => {
  test.each([
    ['open', {}],
    ['shut', { wanted: 'closed' }],
    ['opening', { verdict: 'retrying' }],
    ['closing', { verdict: 'retrying', wanted: 'closed', nextTryAt: '2026-11-22T14:00:02.000Z' }],
    ['stuck', { verdict: 'retrying', wanted: 'closed', nextTryAt: '2026-11-22T14:00:20.000Z' }],
    ['waiting', { verdict: 'waiting' }],
    ['unverifiable', { verdict: 'unverifiable', wanted: 'closed' }],
    ['ticked', { verdict: 'waiting', wanted: 'closed', acknowledged: ticked }],
    ['ticked', { verdict: 'unverifiable', wanted: 'closed', acknowledged: ticked }],
  ] as const)('is %s', (state, change) => {
    expect(doorState(line(change))).toBe(state)
  })
})

describe('the picture', () => {
  test('a small sign says door and state in words, and shows the line that needs a look first', () => {
    const text = htmlText(doorSigns([line(), line({ verdict: 'waiting', wanted: 'closed' })]))
    expect(text.match(/aria-label="[^"]*"/g)).toEqual(['aria-label="Tunnel: waiting for a person"'])
  })

  test('a waiting step is open to the eye and can be ticked by whoever may, by nobody else', () => {
    const waiting = line({ system: 'sip-account', verdict: 'waiting', wanted: 'closed', problem: 'delete it by hand' })
    expect(htmlText(doorsPicture([waiting]))).not.toContain('<form')
    const mine = htmlText(doorsPicture([waiting], { tickAt: '/people/1/tick' }))
    expect(mine).toContain('<details id="door-sip-account" open>')
    expect(mine).toContain('action="/people/1/tick"')
    expect(mine).toContain('Delete it by hand')
    expect(htmlText(doorsPicture([{ ...waiting, acknowledged: ticked }], { tickAt: '/people/1/tick' }))).not.toContain(
      '<form',
    )
  })

  test('a shut door says how long after the click it was seen shut', () => {
    const shut = line({ wanted: 'closed', at: '2026-11-22T14:00:00.412Z' })
    expect(htmlText(doorsPicture([shut], { clickedAt: at }))).toContain('412 ms after the click')
  })

  test('what a system says is text, whatever it holds', () => {
    const nasty = line({ verdict: 'retrying', problem: '<script>alert(1)</script>', hint: '"><img src=x>' })
    const text = htmlText(doorsPicture([nasty]))
    expect(text).not.toContain('<script>')
    expect(text).not.toContain('<img')
  })
})
