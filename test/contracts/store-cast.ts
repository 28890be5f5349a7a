/** A small company for the store's tests: people by number, everything about person 7 ends in 7. */
import { closed, type Subject, type SubjectKind } from '../../src/domain/access.ts'
import { neverSeen } from '../../src/domain/handset.ts'
import { tombstoneOf } from '../../src/domain/tombstone.ts'
import type { NewAuditEvent, Rows, Store, StoreWriter } from '../../src/store/store.ts'

export const at = (minute: number): string => new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString()

export async function seed(store: Store): Promise<void> {
  await store.transaction(async (tx) => {
    await tx.put('site', [{ id: 'default', name: 'Main' }])
    await tx.put('pbx', [pbx('default'), pbx('second')])
    await tx.put('hub', [hub('default'), hub('second')])
  })
}

function pbx(id: string): Rows['pbx'] {
  return {
    id,
    siteId: 'default',
    name: id,
    driver: 'manual',
    address: '192.0.2.10',
    host: null,
    port: 5061,
    mtlsPort: 5062,
    rtpFrom: 10_000,
    rtpTo: 20_000,
    realm: 'ringfence',
  }
}

function hub(id: string): Rows['hub'] {
  return {
    id,
    siteId: 'default',
    name: id,
    interface: 'ringfence0',
    endpoint: null,
    listenPort: 51_820,
    subnets: '10.77.0.0/16',
    phoneSubnets: '10.78.0.0/16',
    publicKey: null,
  }
}

export function employee(n: number, change: Partial<Rows['employee']> = {}): Rows['employee'] {
  return {
    id: `e${n}`,
    siteId: 'default',
    name: `Person ${n}`,
    email: `person${n}@example.com`,
    lifecycle: 'active',
    generation: 1,
    createdAt: at(0),
    offboardRequestedAt: null,
    offboardRequestedBy: null,
    offboardReason: null,
    offboardedAt: null,
    leaverFile: null,
    ...change,
  }
}

export function assignment(n: number, change: Partial<Rows['assignment']> = {}): Rows['assignment'] {
  return {
    id: `a${n}`,
    employeeId: `e${n}`,
    pbxId: 'default',
    extension: String(1000 + n),
    fromAt: at(0),
    untilAt: null,
    adoptedAt: null,
    callPolicy: null,
    generation: 1,
    ...change,
  }
}

export function handset(n: number, change: Partial<Rows['handset']> = {}): Rows['handset'] {
  return {
    id: `h${n}`,
    employeeId: `e${n}`,
    assignmentId: `a${n}`,
    gatewayId: null,
    model: 'yealink-t54w',
    mac: n.toString(16).padStart(12, '0'),
    doorGeneration: 1,
    enrolTokenHash: `enrol-${n}`,
    enrolExpiresAt: at(1_000),
    steadyTokenHash: `steady-${n}`,
    formerTokenHash: null,
    enrolledAt: null,
    phoneAddress: null,
    ...neverSeen,
    createdAt: at(0),
    removedAt: null,
    ...change,
  }
}

export function gateway(n: number, change: Partial<Rows['gateway']> = {}): Rows['gateway'] {
  return {
    id: `g${n}`,
    employeeId: `e${n}`,
    kind: 'plain',
    doorGeneration: 1,
    doorTokenHash: null,
    keyTokenHash: null,
    createdAt: at(0),
    removedAt: null,
    ...change,
  }
}

export function tunnel(n: number, change: Partial<Rows['tunnel']> = {}): Rows['tunnel'] {
  return {
    id: `t${n}`,
    hubId: 'default',
    carrierKind: 'handset',
    carrierId: `h${n}`,
    keyOrigin: 'server',
    publicKey: `key-${n}`,
    nextPublicKey: null,
    privateKeySealed: 'sealed',
    keyWindowEndsAt: null,
    presharedKeySealed: `psk-${n}`,
    generation: 1,
    firstHandshakeAt: null,
    lastHandshakeAt: null,
    createdAt: at(0),
    closedAt: null,
    ...change,
  }
}

export function address(n: number, change: Partial<Rows['tunnelAddress']> = {}): Rows['tunnelAddress'] {
  const prefix = `10.77.${n >> 8}.${n & 255}/32`
  return {
    id: `ta${n}`,
    tunnelId: `t${n}`,
    hubId: 'default',
    prefix,
    purpose: 'carrier',
    allottedAt: at(0),
    releasedAt: null,
    ...change,
  }
}

export function certificate(n: number, change: Partial<Rows['certificate']> = {}): Rows['certificate'] {
  return {
    id: `c${n}`,
    handsetId: `h${n}`,
    serial: `5e${n.toString(16).padStart(6, '0')}`,
    notBefore: at(0),
    notAfter: at(500_000),
    certificate: `PEM of Person ${n}`,
    privateKeySealed: 'sealed',
    createdAt: at(0),
    revokedAt: null,
    ...change,
  }
}

export function credential(n: number, change: Partial<Rows['sipCredential']> = {}): Rows['sipCredential'] {
  return {
    id: `s${n}`,
    assignmentId: `a${n}`,
    handsetId: `h${n}`,
    username: `${1000 + n}-abcd`,
    secretSealed: `secret-${n}`,
    generation: 1,
    createdAt: at(0),
    closedAt: null,
    ...change,
  }
}

export function verdict(n: number, change: Partial<Rows['verdict']> = {}): Rows['verdict'] {
  return {
    id: `tunnel/default/tunnel/t${n}`,
    system: 'tunnel',
    instance: 'default',
    subjectKind: 'tunnel',
    subjectId: `t${n}`,
    employeeId: `e${n}`,
    wanted: 'open',
    generation: 1,
    state: 'converged',
    evidence: null,
    problem: null,
    hint: null,
    nextTryAt: null,
    attempts: 0,
    at: at(0),
    acknowledgedBy: null,
    acknowledgedAt: null,
    acknowledgedClaim: null,
    waitingSince: null,
    ...change,
  }
}

export function doorFetch(id: string, change: Partial<Rows['doorFetch']> = {}): Rows['doorFetch'] {
  return {
    id,
    at: at(0),
    handsetId: null,
    employeeId: null,
    remoteAddress: '192.0.2.1',
    userAgent: 'phone',
    fileName: 'y000.cfg',
    outcome: 'served',
    reason: 'steady',
    contentHash: null,
    ...change,
  }
}

/** Person n with one handset, its own tunnel, a certificate and a credential. */
export async function onboard(tx: StoreWriter, ...people: readonly number[]): Promise<void> {
  const each = <T>(make: (n: number) => T) => people.map((n) => make(n))
  await tx.insert('employee', each(employee))
  await tx.insert('assignment', each(assignment))
  await tx.insert('handset', each(handset))
  await tx.insert('tunnel', each(tunnel))
  await tx.insert('tunnelAddress', each(address))
  await tx.insert('certificate', each(certificate))
  await tx.insert('sipCredential', each(credential))
}

const doors: readonly (readonly [SubjectKind, string])[] = [
  ['tunnel', 't'],
  ['certificate', 'c'],
  ['sip-credential', 's'],
  ['phone-door', 'h'],
]

/** What the click does to person n, in its own few words. Returns the tombstones. */
export async function offboard(tx: StoreWriter, n: number, minute: number): Promise<readonly Rows['tombstone'][]> {
  const shut: Subject[] = []
  for (const [kind, letter] of doors) {
    for (const subject of await tx.subjects(kind, [`${letter}${n}`])) {
      if (subject.wanted === 'open') shut.push(closed<Subject>(subject, at(minute)))
    }
  }
  const tombstones = shut.map((subject) => tombstoneOf(subject, at(minute)))
  await tx.put('tombstone', tombstones)
  await tx.update('tunnel', `t${n}`, {
    closedAt: at(minute),
    generation: 2,
    presharedKeySealed: null,
    privateKeySealed: null,
  })
  await tx.update('tunnelAddress', `ta${n}`, { releasedAt: at(minute) })
  await tx.update('certificate', `c${n}`, { revokedAt: at(minute), privateKeySealed: null })
  await tx.update('sipCredential', `s${n}`, { closedAt: at(minute), generation: 2, secretSealed: null })
  await tx.update('handset', `h${n}`, { removedAt: at(minute) })
  await tx.update('assignment', `a${n}`, { untilAt: at(minute) })
  await tx.update('employee', `e${n}`, { lifecycle: 'offboarding', generation: 2, offboardRequestedAt: at(minute) })
  return tombstones
}

export function event(id: string, change: Partial<NewAuditEvent> = {}): NewAuditEvent {
  return {
    id,
    at: at(0),
    kind: 'employee.onboarded',
    employeeId: null,
    subjectId: null,
    salt: 'a0',
    detail: { actor: 'Ada' },
    ...change,
  }
}

export async function ids(
  store: Store | StoreWriter,
  kind: SubjectKind,
): Promise<{ open: string[]; closed: string[] }> {
  const all: readonly Subject[] = await store.subjects(kind)
  const of = (wanted: Subject['wanted']) =>
    all.filter((subject) => subject.wanted === wanted).map((subject) => subject.id)
  return { open: of('open'), closed: of('closed') }
}
