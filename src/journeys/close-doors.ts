/** Shuts, in the caller's transaction, all that some handsets hold; what the click and "take this phone back" share. */
import { closed, type Subject, type SubjectKind } from '../domain/access.ts'
import type { Gateway, Handset } from '../domain/handset.ts'
import { tombstoneOf } from '../domain/tombstone.ts'
import type { StoreWriter } from '../store/store.ts'

/**
 * Afterwards nothing sealed is left of them (a shut door needs no secret) and their tombstones are written.
 * @param gateways those whose last handset is among `handsets`
 * @param shared also the credentials that belong to the extension and not to one handset
 * @returns the shut subjects, for the lanes
 */
export async function closeDoors(
  tx: StoreWriter,
  {
    handsets,
    gateways,
    shared,
    at,
  }: { handsets: readonly Handset[]; gateways: readonly Gateway[]; shared: boolean; at: string },
): Promise<readonly Subject[]> {
  const carriers = [...handsets, ...gateways].map(({ id }) => id)
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
  ]
  const shut = open.filter(({ wanted }) => wanted === 'open').map((subject) => closed(subject, at))
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
  return shut
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
