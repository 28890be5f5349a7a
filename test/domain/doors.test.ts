import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { blankingDays, decideDoor } from '../../src/domain/door.ts'
import { type Handset, neverSeen } from '../../src/domain/handset.ts'
import { enrolmentToken, looksLikeToken, steadyToken, tokenHash } from '../../src/domain/invite.ts'
import { Secret } from '../../src/domain/secret.ts'
import { digestHa1 } from '../../src/domain/sip-account.ts'

const now = new Date('2026-03-10T12:00:00.000Z')
const later = (days: number) => new Date(now.getTime() + days * 86_400_000)
const [enrol, steady, former, stranger] = ['enrol', 'steady', 'former', 'stranger'].map(tokenHash) as [
  string,
  string,
  string,
  string,
]

function handset(change: Partial<Handset> = {}): Handset {
  return {
    id: 'h1',
    employeeId: 'e1',
    assignmentId: 'a1',
    gatewayId: null,
    model: 'yealink-t54w',
    mac: '805ec0aabbcc',
    doorGeneration: 1,
    enrolTokenHash: enrol,
    enrolExpiresAt: later(7).toISOString(),
    steadyTokenHash: steady,
    formerTokenHash: null,
    enrolledAt: null,
    phoneAddress: null,
    ...neverSeen,
    createdAt: now.toISOString(),
    removedAt: null,
    ...change,
  }
}

describe('the phone door', () => {
  test('gives a new phone its file, and notices the first use of its own link', () => {
    expect(decideDoor(handset(), enrol, now)).toEqual({ answer: 'file', token: 'enrolment', enrols: false })
    expect(decideDoor(handset(), steady, now)).toEqual({ answer: 'file', token: 'steady', enrols: true })
    expect(decideDoor(handset({ enrolledAt: now.toISOString() }), steady, now)).toMatchObject({ enrols: false })
  })

  test('shuts the enrolment link at the minute it expires, and at once when the phone has its own', () => {
    expect(decideDoor(handset({ enrolExpiresAt: later(0.001).toISOString() }), enrol, now).answer).toBe('file')
    expect(decideDoor(handset({ enrolExpiresAt: now.toISOString() }), enrol, now).answer).toBe('refuse')
    expect(decideDoor(handset({ enrolledAt: now.toISOString() }), enrol, now).answer).toBe('refuse')
  })

  test.each([null, '', 'never', '0000-99-99'])(
    'takes an expiry that cannot be read (%j) for over',
    (enrolExpiresAt) => {
      expect(decideDoor(handset({ enrolExpiresAt }), enrol, now).answer).toBe('refuse')
    },
  )

  test('gives a phone that was taken back the blanking document for 30 days and then nothing', () => {
    const removed = handset({ enrolledAt: now.toISOString(), removedAt: now.toISOString() })
    expect(decideDoor(removed, steady, now).answer).toBe('blanking')
    expect(decideDoor(removed, steady, later(blankingDays - 0.001)).answer).toBe('blanking')
    expect(decideDoor(removed, steady, later(blankingDays)).answer).toBe('refuse')
    expect(decideDoor(removed, enrol, now).answer).toBe('refuse')
    expect(decideDoor({ ...removed, removedAt: 'whenever' }, steady, now).answer).toBe('refuse')
  })

  test('gives a phone in use its file by its link of before too, which does not use the new one up', () => {
    const invited = handset({ formerTokenHash: stranger })
    expect(decideDoor(invited, stranger, now)).toEqual({ answer: 'file', token: 'former', enrols: false })
    expect(decideDoor({ ...invited, removedAt: now.toISOString() }, stranger, now).answer).toBe('blanking')
    expect(decideDoor(handset({}), stranger, now).answer).toBe('refuse')
  })

  test('never gives a file to a phone that was taken back, nor anything to a link that is not its own', () => {
    const time = fc.option(
      fc.date({ min: later(-60), max: later(60), noInvalidDate: true }).map((date) => date.toISOString()),
    )
    const hash = fc.constantFrom(enrol, steady, former, stranger, '')
    const anyHandset = fc
      .record({
        enrolTokenHash: fc.option(fc.constantFrom(enrol)),
        steadyTokenHash: fc.option(fc.constantFrom(steady)),
        formerTokenHash: fc.option(fc.constantFrom(former)),
        enrolExpiresAt: time,
        enrolledAt: time,
        removedAt: time,
      })
      .map(handset)
    fc.assert(
      fc.property(anyHandset, hash, (phone, given) => {
        const { answer } = decideDoor(phone, given, now)
        if (phone.removedAt !== null) expect(answer).not.toBe('file')
        const own = [phone.steadyTokenHash, phone.formerTokenHash]
        if (![phone.enrolTokenHash, ...own].includes(given)) expect(answer).toBe('refuse')
        if (answer === 'blanking') expect(own).toContain(given)
      }),
      { numRuns: 1000 },
    )
  })
})

describe('links', () => {
  const key = Buffer.alloc(32, 1)

  test('of handsets look like tokens, are the same every time, and differ in every part', () => {
    const invite = 'a'.repeat(43)
    const made = [
      enrolmentToken(invite, 'h1'),
      enrolmentToken(invite, 'h2'),
      enrolmentToken('b'.repeat(43), 'h1'),
      steadyToken(key, 'h1', 1),
      steadyToken(key, 'h1', 2),
      steadyToken(key, 'h2', 1),
      steadyToken(Buffer.alloc(32, 2), 'h1', 1),
    ]
    expect(new Set(made).size).toBe(made.length)
    expect(made.every(looksLikeToken)).toBe(true)
    expect(enrolmentToken(invite, 'h1')).toBe(made[0])
  })

  test('of two handsets are never the same, whatever their ids', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.nat(), fc.nat(), (one, other, first, second) => {
        fc.pre(!one.includes(':') && !other.includes(':'))
        expect(steadyToken(key, one, first) === steadyToken(key, other, second)).toBe(one === other && first === second)
      }),
    )
  })

  test('are stored as a hash only', () => {
    expect(tokenHash('token')).toBe(createHash('sha256').update('token').digest('hex'))
    expect(tokenHash('token')).not.toContain('token')
  })

  test.each([
    '',
    'a'.repeat(42),
    'a'.repeat(44),
    `${'a'.repeat(42)}/`,
    `${'a'.repeat(42)}\n`,
    `${'a'.repeat(43)}\n`,
    '../'.repeat(14),
  ])('such as %j are not worth a look-up', (text) => {
    expect(looksLikeToken(text)).toBe(false)
  })
})

test('a SIP digest is the one of RFC 2617 (section 3.5: Mufasa)', () => {
  expect(digestHa1('Mufasa', 'testrealm@host.com', new Secret('Circle Of Life'))).toBe(
    '939e7578ed9e3c518a452acee763bce9',
  )
})
