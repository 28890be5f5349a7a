import { describe, expect, test } from 'vitest'
import { causesOf } from '../../src/domain/diagnosis.ts'
import type { PhoneFacts } from '../../src/domain/phone-facts.ts'

const now = new Date('2026-03-02T10:00:00.000Z')
const minutesAgo = (n: number): string => new Date(now.getTime() - n * 60_000).toISOString()
const inDays = (n: number): string => new Date(now.getTime() + n * 86_400_000).toISOString()
const open = { wanted: 'open', verdict: 'converged', problem: null, hint: null, acknowledged: false } as const

/** A phone that works. */
function phone(change: Partial<PhoneFacts> = {}): PhoneFacts {
  return {
    now,
    createdAt: minutesAgo(100_000),
    enrolledAt: minutesAgo(90_000),
    newLinkWaits: false,
    removedAt: null,
    linkUntil: inDays(-60),
    linkOpenedAt: minutesAgo(95_000),
    fetches: [{ at: minutesAgo(60), outcome: 'not-modified', reason: 'steady link', remoteAddress: '192.0.2.7' }],
    tunnel: {
      hasKey: true,
      madeByRouter: false,
      firstHandshakeAt: minutesAgo(95_000),
      lastHandshakeAt: minutesAgo(1),
      replacementWaits: false,
      throughGateway: false,
    },
    doors: [{ ...open, system: 'tunnel' }],
    doubts: [],
    certificate: { notBefore: inDays(-90), notAfter: inDays(300) },
    staleSince: null,
    filesDiffer: false,
    hub: { preview: false },
    demo: [],
    ...change,
  }
}
const tunnel = (change: Partial<NonNullable<PhoneFacts['tunnel']>>) => ({ ...phone().tunnel!, ...change })
const fresh = {
  enrolledAt: null,
  fetches: [],
  linkOpenedAt: null,
  linkUntil: inDays(5),
  tunnel: tunnel({ firstHandshakeAt: null, lastHandshakeAt: null }),
}
const first = (change: Partial<PhoneFacts>) => {
  const [cause] = causesOf(phone(change))
  return cause && `${cause.certainty}: ${cause.what} | ${cause.todo}`
}

describe('why a phone does not work', () => {
  test('nothing is made up about a phone that works', () => {
    expect(causesOf(phone())).toEqual([])
  })

  test('a phone that was taken back has this one reason', () => {
    const causes = causesOf(phone({ removedAt: minutesAgo(5), doubts: ['another model'], hub: null }))
    expect(causes.map(({ what }) => what)).toEqual(['it was taken back: nothing lets it in any more'])
  })

  test('a door that is not open is certain, a step that waits is named, and a ticked one is no reason', () => {
    const door = { ...open, system: 'sip-account', problem: 'On the PBX, create 1001', hint: 'then tick it' }
    expect(first({ doors: [{ ...door, verdict: 'waiting' }] })).toBe(
      'certain: the SIP account waits for a person to do a step | then tick it',
    )
    expect(first({ doors: [{ ...door, verdict: 'retrying' }] })).toMatch(/^certain: the SIP account is not open yet/)
    expect(first({ doors: [{ ...door, verdict: 'waiting', acknowledged: true }] })).toBeUndefined()
    expect(first({ doors: [{ ...door, verdict: 'retrying', wanted: 'closed' }] })).toBeUndefined()
  })

  test('tells a link that nobody opened from one that ran out and from one that was not scanned', () => {
    expect(first(fresh)).toMatch(/^likely: nobody has opened the link yet/)
    expect(first({ ...fresh, linkUntil: inDays(-1) })).toMatch(
      /^certain: the tunnel was never set up.*make a new link$/,
    )
    expect(first({ ...fresh, linkUntil: null })).toMatch(/^certain: the tunnel was never set up/)
    expect(first({ ...fresh, linkOpenedAt: minutesAgo(9) })).toMatch(/^likely: the link was opened, but the tunnel/)
  })

  test('a tunnel that falls silent is likely the reason, and a gateway is told apart from a device', () => {
    const lastHandshakeAt = minutesAgo(30)
    expect(first({ tunnel: tunnel({ lastHandshakeAt }) })).toMatch(/the device is off.*WireGuard app/)
    expect(first({ tunnel: tunnel({ lastHandshakeAt, throughGateway: true }) })).toMatch(/the home gateway is off/)
    expect(first({ tunnel: tunnel({ hasKey: false, madeByRouter: true }) })).toMatch(/^certain: the router of the home/)
    expect(first({ tunnel: tunnel({ hasKey: false }) })).toMatch(/^certain: its tunnel has no key/)
  })

  test('a refused fetch is told by its real reason, also one that is counted', () => {
    const refused = (reason: string) => ({
      fetches: [{ at: minutesAgo(2), outcome: 'refused', reason, remoteAddress: '192.0.2.7' }],
    })
    expect(first(refused('enrolment link was used up (×31)'))).toMatch(/^certain: it asks with its first link/)
    expect(first(refused('enrolment link has expired'))).toMatch(/link that has run out \| make a new link$/)
    expect(first(refused('this handset has no such file'))).toMatch(/another model/)
    expect(first(refused('something new'))).toMatch(/^likely: its last request was refused/)
  })

  test('a phone that got its first file and never came back is told, with what was seen', () => {
    const [cause] = causesOf(phone({ enrolledAt: null }))
    expect(cause).toMatchObject({ certainty: 'likely', seen: expect.stringContaining('from 192.0.2.7: steady link') })
    expect(cause!.what).toMatch(/never came back with its own link/)
    // One in use that got a new link goes on with the old one, which is no fault.
    expect(first({ enrolledAt: null, newLinkWaits: true })).toMatch(/^possible: a new link waits for it/)
  })

  test('certificate, doubts, old files and the hub have their say; what is certain comes first', () => {
    expect(first({ certificate: { notBefore: inDays(-400), notAfter: inDays(-1) } })).toMatch(
      /^certain: its certificate/,
    )
    const causes = causesOf(
      phone({
        doubts: ['it says that it is a T46U, not a T54W'],
        staleSince: minutesAgo(500),
        filesDiffer: true,
        hub: { preview: true },
        certificate: { notBefore: inDays(-0.1), notAfter: inDays(300) },
      }),
    )
    expect(causes.map(({ certainty }) => certainty)).toEqual(['certain', 'likely', 'likely', 'possible'])
    expect(causes[0]!.what).toMatch(/preview/)
    expect(causes[1]!.seen).toBe('it says that it is a T46U, not a T54W')
    expect(first({ filesDiffer: true })).toMatch(/^possible: its file has changed/)
    expect(first({ hub: null })).toMatch(/^likely: the hub does not answer/)
    expect(first({ demo: ['RINGFENCE_PHONE_URL is not set'] })).toMatch(/^likely: demo mode/)
  })
})
