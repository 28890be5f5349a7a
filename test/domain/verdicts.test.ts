import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { closed, type Subject } from '../../src/domain/access.ts'
import { type AuditEvent, auditCommitment, auditGenesis, auditHash, firstBrokenLink } from '../../src/domain/audit.ts'
import { blockedPolicy } from '../../src/domain/call-policy.ts'
import { isSettled, type VerdictState, verdictId } from '../../src/domain/condition.ts'
import { type Authority, mayDo, type Role, roles } from '../../src/domain/token.ts'
import { tombstoneOf } from '../../src/domain/tombstone.ts'

const at = '2026-03-10T12:00:00.000Z'
const common = { id: 's1', employeeId: 'e1', wanted: 'open' as const, generation: 4 }
const subjects: Readonly<Record<Subject['kind'], Subject>> = {
  tunnel: {
    ...common,
    kind: 'tunnel',
    hubId: 'default',
    publicKeys: ['K1', 'K2'],
    activeKey: 'K1',
    retiredKeys: ['K0'],
    prefixes: ['10.77.0.2/32'],
    admitted: ['10.77.0.2/32'],
    presharedKeySealed: 'v1.sealed-psk',
  },
  certificate: { ...common, kind: 'certificate', pbxId: 'default', serial: '0a1b', notAfter: at, revokedAt: null },
  'sip-credential': {
    ...common,
    kind: 'sip-credential',
    pbxId: 'default',
    extension: '1001',
    username: '1001-k3f9',
    displayName: 'Ada Lovelace',
    secretSealed: 'v1.sealed-sip',
    addresses: ['10.77.0.2/32'],
    certificate: true,
    extensionShared: false,
  },
  assignment: {
    ...common,
    kind: 'assignment',
    pbxId: 'default',
    extension: '1001',
    policy: { ...blockedPolicy, class: 'national' },
    hasNextHolder: false,
    leaving: false,
  },
  'phone-door': { ...common, kind: 'phone-door', handsetId: 'h1' },
  administrator: { ...common, kind: 'administrator', tokenIds: ['k1'] },
}

describe('a door that is shut', () => {
  test.each(Object.values(subjects))('keeps what names the $kind and nothing that opens it', (subject) => {
    const shut = closed(subject, at)
    expect(shut).toMatchObject({ kind: subject.kind, id: 's1', wanted: 'closed', generation: 5 })
    expect(JSON.stringify(shut)).not.toMatch(/sealed-|Ada|national/)
  })

  test('keeps every key of a tunnel, since each of them must be gone', () => {
    expect(closed(subjects.tunnel, at)).toMatchObject({ publicKeys: ['K1', 'K2'], retiredKeys: ['K0'] })
  })

  test('has the time at which the certificate was withdrawn', () => {
    expect(closed(subjects.certificate, at)).toMatchObject({ revokedAt: at })
  })

  test('does not change the open one that it was made from', () => {
    const before = structuredClone(subjects)
    for (const subject of Object.values(subjects)) closed(subject, at)
    expect(subjects).toEqual(before)
  })

  test.each(Object.values(subjects))('of the kind $kind leaves a tombstone without the person', (subject) => {
    const shut = closed(subject, at)
    const tombstone = tombstoneOf(shut, at)
    expect(tombstone).toMatchObject({ id: `${subject.kind}/s1`, subjectId: 's1', closedAt: at, generation: 5 })
    expect(JSON.parse(tombstone.subject)).toEqual(shut)
    expect(JSON.stringify(tombstone)).not.toMatch(/sealed-|Ada/)
  })
})

describe('a verdict', () => {
  test('settles a door when it was seen shut, or when somebody ticked what cannot be seen', () => {
    const table: [VerdictState, boolean, boolean][] = [
      ['converged', false, true],
      ['converged', true, true],
      ['waiting', false, false],
      ['waiting', true, true],
      ['unverifiable', false, false],
      ['unverifiable', true, true],
      ['retrying', false, false],
      ['retrying', true, false],
    ]
    for (const [state, ticked, settled] of table)
      expect([state, ticked, isSettled({ state, acknowledgedAt: ticked ? at : null })]).toEqual([
        state,
        ticked,
        settled,
      ])
  })

  test('has a name of its own for every system, instance and subject', () => {
    expect(verdictId('tunnel', 'hub-1', 'tunnel', 't1')).toBe('tunnel/hub-1/tunnel/t1')
  })
})

describe('the audit chain', () => {
  const text = fc.oneof(fc.string({ maxLength: 8 }), fc.constantFrom('', '\n', 'a\nb', 'null', '"'))
  const link = fc.record({
    id: text,
    position: fc.nat(),
    at: text,
    kind: fc.constantFrom('access.closed' as const, 'access.drift' as const),
    employeeId: fc.option(text),
    subjectId: fc.option(text),
    commitment: text,
    previousHash: text,
  })

  function chain(length: number): AuditEvent[] {
    const events: AuditEvent[] = []
    for (let position = 1; position <= length; position++) {
      const before = events.at(-1)?.hash ?? auditGenesis
      const event = {
        id: `id-${position}`,
        position,
        at,
        kind: 'access.closed' as const,
        employeeId: 'e1',
        subjectId: null,
        commitment: auditCommitment('salt', String(position)),
        previousHash: before,
      }
      events.push({ ...event, hash: auditHash(event) })
    }
    return events
  }

  test('gives two different events two different hashes', () => {
    fc.assert(
      fc.property(link, link, (one, other) => {
        expect(auditHash(one) === auditHash(other)).toBe(JSON.stringify(one) === JSON.stringify(other))
      }),
      { numRuns: 1000 },
    )
    const event = chain(1)[0]!
    const other = {
      employeeId: 'e2',
      subjectId: 's2',
      kind: 'access.drift',
      id: 'x',
      at: 'y',
      commitment: 'z',
    } as const
    for (const [field, value] of Object.entries({ ...other, previousHash: 'p', position: 2 }))
      expect([field, auditHash({ ...event, [field]: value })]).not.toEqual([field, event.hash])
    const shifted = { ...chain(1)[0]!, employeeId: 'a\nb', subjectId: 'c' }
    expect(auditHash(shifted)).not.toBe(auditHash({ ...shifted, employeeId: 'a', subjectId: 'b\nc' }))
  })

  test('is whole when nobody touched it', () => {
    expect(firstBrokenLink([])).toBe(null)
    expect(firstBrokenLink(chain(5))).toBe(null)
  })

  test('shows a changed, missing, swapped or added event at its place', () => {
    const events = chain(5)
    const changed = events.with(2, { ...events[2]!, employeeId: 'e2' })
    expect(firstBrokenLink(changed)).toBe(3)
    const rehashed = events.with(2, { ...changed[2]!, hash: auditHash(changed[2]!) })
    expect(firstBrokenLink(rehashed)).toBe(4)
    expect(firstBrokenLink(events.toSpliced(1, 1))).toBe(2)
    expect(firstBrokenLink(events.toSpliced(0, 1))).toBe(1)
    expect(firstBrokenLink([events[0]!, events[2]!, events[1]!])).toBe(2)
    expect(firstBrokenLink([...events, events[4]!])).toBe(6)
  })

  test('commits to the particulars without giving them away', () => {
    expect(auditCommitment('salt', 'Ada')).not.toBe(auditCommitment('other', 'Ada'))
    expect(auditCommitment('salt', 'Ada')).not.toBe(auditCommitment('salt', 'Bo'))
  })
})

describe('authority', () => {
  test('is what the role was given and nothing more', () => {
    const authorities: Authority[] = ['read', 'onboard', 'revoke', 'administer']
    const table = roles.map((role) => [role, authorities.filter((authority) => mayDo(role, authority))])
    expect(Object.fromEntries(table)).toEqual({
      auditor: ['read'],
      helpdesk: ['read', 'onboard'],
      admin: ['read', 'onboard', 'revoke'],
      owner: ['read', 'onboard', 'revoke', 'administer'],
    })
  })

  test.each(['', 'root', 'OWNER', '__proto__', 'constructor', 'toString'])('is not given to the role %j', (role) => {
    expect(mayDo(role as Role, 'read')).toBe(false)
  })
})
