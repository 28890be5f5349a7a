/** New secrets for handsets that nobody enrolled: whoever fetched their files with the old link holds nothing then. */
import { closed, type Subject } from '../domain/access.ts'
import type { Certificate } from '../domain/certificate.ts'
import type { Assignment, Employee } from '../domain/employee.ts'
import type { Handset } from '../domain/handset.ts'
import type { Actor } from '../domain/token.ts'
import { tombstoneOf } from '../domain/tombstone.ts'
import type { Withdrawal } from '../domain/withdrawal.ts'
import type { StoreReader, StoreWriter } from '../store/store.ts'
import type { JourneyContext } from './context.ts'
import { newCertificate } from './enrolment.ts'
import { rotateSecret } from './withdraw.ts'

/**
 * Those that no phone has ever taken over. A new link makes a phone in use enrol once more, but it lives on the secrets it
 * has until then, however many links follow.
 */
async function neverEnrolled(store: StoreReader, handsets: readonly Handset[]): Promise<readonly Handset[]> {
  const used = await Promise.all(
    handsets.map(
      async ({ id, enrolledAt }) =>
        enrolledAt !== null || (await store.get('withdrawal', `enrolment-link/${id}`)) !== undefined,
    ),
  )
  return handsets.filter((_, index) => !used[index])
}

/** Made before the transaction, since a key takes its time. By handset id. */
export async function newCertificates(
  context: JourneyContext,
  employee: Pick<Employee, 'id' | 'name'>,
  assignment: Pick<Assignment, 'extension' | 'pbxId'>,
): Promise<ReadonlyMap<string, Certificate>> {
  const handsets = await context.store.find('handset', { employeeId: employee.id, removedAt: null })
  const waiting = await neverEnrolled(context.store, handsets)
  const made = new Map<string, Certificate>()
  for (const handset of waiting) {
    const model = context.catalogue.model(handset.model)
    const certificate = model && (await newCertificate(context, { employee, assignment, handset, model }))
    if (certificate) made.set(handset.id, certificate)
  }
  return made
}

export interface Renewed {
  /** Old certificates, to be shut. */
  readonly shut: readonly Subject[]
  /** Old secrets, for the journal. */
  readonly withdrawn: readonly Withdrawal[]
  readonly certificates: readonly string[]
  readonly credentials: readonly string[]
}

/** A handset that enrolled meanwhile keeps what it has; its made certificate is thrown away unused. */
export async function renewSecrets(
  context: JourneyContext,
  tx: StoreWriter,
  {
    handsets,
    made,
    at,
    actor,
  }: { handsets: readonly Handset[]; made: ReadonlyMap<string, Certificate>; at: string; actor: Actor },
): Promise<Renewed> {
  const waiting = await neverEnrolled(tx, handsets)
  const shut: Subject[] = []
  const withdrawn: Withdrawal[] = []
  const certificates: string[] = []
  const credentials: string[] = []
  for (const handset of waiting) {
    const certificate = made.get(handset.id)
    if (certificate) {
      const old = (await tx.find('certificate', { handsetId: handset.id, revokedAt: null })).map(({ id }) => id)
      const subjects =
        old.length === 0 ? [] : (await tx.subjects('certificate', old)).map((subject) => closed(subject, at))
      await tx.put(
        'tombstone',
        subjects.map((subject) => tombstoneOf(subject, at)),
      )
      for (const id of old) await tx.update('certificate', id, { revokedAt: at, privateKeySealed: null })
      await tx.insert('certificate', [certificate])
      shut.push(...subjects)
      certificates.push(certificate.id)
    }
    for (const credential of await tx.find('sipCredential', { assignmentId: handset.assignmentId, closedAt: null })) {
      // One secret for all phones of the extension changes only while none of them uses it.
      const its =
        credential.handsetId === null ? waiting.length === handsets.length : credential.handsetId === handset.id
      if (!its || credentials.includes(credential.id)) continue
      const { employeeId } = handset
      withdrawn.push(...(await rotateSecret(context, tx, credential, { employeeId, at, actor })))
      credentials.push(credential.id)
    }
  }
  return { shut, withdrawn, certificates, credentials }
}
