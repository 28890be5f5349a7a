/** Shuts, in the caller's transaction, all that some handsets hold; what the click and "take this phone back" share. */
import { type AssignmentSubject, closed, type Subject, type SubjectKind } from '../domain/access.ts'
import type { Assignment } from '../domain/employee.ts'
import type { Handset } from '../domain/handset.ts'
import { tombstoneOf } from '../domain/tombstone.ts'
import type { Withdrawal } from '../domain/withdrawal.ts'
import type { StoreWriter } from '../store/store.ts'
import type { JourneyContext } from './context.ts'
import { gatewaysOf, leaveGateway } from './leave-gateway.ts'

export interface ClosedDoors {
  /** For the lanes to shut. */
  readonly shut: readonly Subject[]
  /**
   * Logins that were shut before, while others of the leaver still served the extension: then less could be shown of them
   * than now, and the leaver file keeps what is shown last.
   */
  readonly shutBefore: readonly Subject[]
  /** Tunnels of gateways that stay for other phones: the lanes look at them anew. */
  readonly narrowed: readonly string[]
  /** Links of these gateways, for the journal. */
  readonly withdrawn: readonly Withdrawal[]
}

/**
 * Afterwards nothing sealed is left of them (a shut door needs no secret) and their tombstones are written. A home gateway
 * goes with its last handset; one that stays belongs to somebody who stays, and lets the leaver's phone through no more.
 * @param shared also the credentials that belong to the extension and not to one handset
 * @param leaver whoever goes altogether: gateways that were given to them go or change hands, whatever hangs on them
 */
export async function closeDoors(
  context: Pick<JourneyContext, 'system' | 'vault'>,
  tx: StoreWriter,
  {
    handsets,
    shared,
    leaver,
    at,
  }: { handsets: readonly Handset[]; shared: boolean; leaver: string | null; at: string },
): Promise<ClosedDoors> {
  const { gateways, staying } = await gatewaysOf(tx, handsets, leaver)
  const carriers = [...handsets, ...gateways].map(({ id }) => id)
  const ended = leaver === null ? [] : await tx.find('assignment', { employeeId: leaver, untilAt: null })
  const assignments = [...new Set(handsets.map(({ assignmentId }) => assignmentId))]
  const tunnels = (await each(carriers, (carrierId) => tx.find('tunnel', { carrierId, closedAt: null }))).map(
    ({ id }) => id,
  )
  const certificates = (
    await each(handsets, ({ id }) => tx.find('certificate', { handsetId: id, revokedAt: null }))
  ).map(({ id }) => id)
  const credentials = (
    await each(assignments, (assignmentId) => tx.find('sipCredential', { assignmentId, closedAt: null }))
  )
    .filter(({ handsetId }) => (handsetId === null ? shared : handsets.some(({ id }) => id === handsetId)))
    .map(({ id }) => id)

  // Read as they are now, before the rows change: addresses and keys are what the lanes will look for.
  const open = [
    ...(await subjectsOf(tx, 'tunnel', tunnels)),
    ...(await subjectsOf(tx, 'sip-credential', credentials)),
    ...(await subjectsOf(tx, 'certificate', certificates)),
    ...(await subjectsOf(
      tx,
      'phone-door',
      handsets.map(({ id }) => id),
    )),
    ...ended.map(assignmentSubject),
  ]
  const phones: Subject[] = []
  const withdrawn: Withdrawal[] = []
  for (const gateway of staying) {
    const left = await leaveGateway(context, tx, gateway, at)
    phones.push(...left.shut)
    withdrawn.push(...left.withdrawn)
  }
  const shut = [...open.filter(({ wanted }) => wanted === 'open').map((subject) => closed(subject, at)), ...phones]
  const generation = (kind: SubjectKind, id: string) =>
    shut.find((subject) => subject.kind === kind && subject.id === id)?.generation ?? 1

  for (const { id } of handsets) await tx.update('handset', id, { removedAt: at, enrolExpiresAt: at })
  for (const { id } of gateways) await tx.update('gateway', id, { removedAt: at })
  for (const id of tunnels) {
    await tx.update('tunnel', id, {
      closedAt: at,
      privateKeySealed: null,
      presharedKeySealed: null,
      generation: generation('tunnel', id),
    })
    for (const address of await tx.find('tunnelAddress', { tunnelId: id, releasedAt: null }))
      await tx.update('tunnelAddress', address.id, { releasedAt: at })
  }
  for (const { id } of ended) {
    await tx.update('assignment', id, { untilAt: at, callPolicy: null, generation: generation('assignment', id) })
    // Where closing is part of the account's own step no lane would ever answer what was still to be opened.
    const asked = await tx.find('verdict', { subjectKind: 'assignment', subjectId: id, wanted: 'open' })
    await tx.remove(
      'verdict',
      asked.map((verdict) => verdict.id),
    )
  }
  for (const id of certificates) await tx.update('certificate', id, { revokedAt: at, privateKeySealed: null })
  for (const id of credentials)
    await tx.update('sipCredential', id, {
      closedAt: at,
      secretSealed: null,
      generation: generation('sip-credential', id),
    })
  await tx.put(
    'tombstone',
    shut.map((subject) => tombstoneOf(subject, at)),
  )
  // Read anew: until here one login of the leaver counted as another phone for the next.
  const before = await each(ended, ({ id }) => tx.find('sipCredential', { assignmentId: id }))
  const logins = await subjectsOf(tx, 'sip-credential', [...new Set([...before.map(({ id }) => id), ...credentials])])
  const now = new Map(logins.map((subject) => [subject.id, subject]))
  const isNow = ({ kind, id }: Subject) => kind === 'sip-credential' && credentials.includes(id)
  return {
    shut: shut.map((subject) => (isNow(subject) ? (now.get(subject.id) ?? subject) : subject)),
    shutBefore: logins.filter((subject) => subject.wanted === 'closed' && !isNow(subject)),
    narrowed: staying.map(({ tunnel }) => tunnel.id),
    withdrawn,
  }
}

/** Whoever never had a call policy has no line while here; forwards that outlive the password they may have. */
function assignmentSubject({ id, employeeId, generation, pbxId, extension }: Assignment): AssignmentSubject {
  const what = { kind: 'assignment', id, employeeId, generation, pbxId, extension } as const
  return { ...what, wanted: 'open', policy: null, hasNextHolder: false, leaving: true }
}

async function subjectsOf<K extends SubjectKind>(
  tx: StoreWriter,
  kind: K,
  ids: readonly string[],
): Promise<readonly Subject[]> {
  return ids.length === 0 ? [] : tx.subjects(kind, ids)
}

async function each<In, Out>(items: readonly In[], find: (item: In) => Promise<readonly Out[]>): Promise<Out[]> {
  const found: Out[] = []
  for (const item of items) found.push(...(await find(item)))
  return found
}
