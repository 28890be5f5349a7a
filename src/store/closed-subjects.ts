import { z } from 'zod'
import type { Subject, SubjectKind } from '../domain/access.ts'
import { tryJson } from '../domain/json-text.ts'
import { defaultId } from '../domain/site.ts'
import type { Tombstone } from '../domain/tombstone.ts'
import { AppError } from '../errors.ts'

const common = { id: z.string(), employeeId: z.string().nullable(), generation: z.int() }

const subjectSchema = z.discriminatedUnion('kind', [
  z.object({
    ...common,
    kind: z.literal('tunnel'),
    hubId: z.string(),
    publicKeys: z.array(z.string()),
    activeKey: z.string().nullable(),
    retiredKeys: z.array(z.string()),
    prefixes: z.array(z.string()),
    gatewayStays: z.object({ keys: z.array(z.string()) }).optional(),
  }),
  z.object({
    ...common,
    kind: z.literal('certificate'),
    // One that was written when there was only one PBX does not say.
    pbxId: z.string().default(defaultId),
    serial: z.string(),
    notAfter: z.string(),
    revokedAt: z.string().nullable(),
  }),
  z.object({
    ...common,
    kind: z.literal('sip-credential'),
    pbxId: z.string(),
    extension: z.string(),
    username: z.string(),
    addresses: z.array(z.string()),
    certificate: z.boolean(),
  }),
  z.object({ ...common, kind: z.literal('assignment'), pbxId: z.string(), extension: z.string() }),
  z.object({ ...common, kind: z.literal('phone-door'), handsetId: z.string() }),
  z.object({ ...common, kind: z.literal('administrator'), tokenIds: z.array(z.string()) }),
])

/**
 * The subject that a tombstone stands for. Secrets and names are never taken from it, whatever it holds.
 * A damaged one is an error: skipping it would leave a door unwatched.
 */
export function closedSubject(tombstone: Tombstone): Subject {
  const subject = readSubject(tombstone)
  if (subject === undefined) {
    throw new AppError('INTERNAL', `the tombstone ${tombstone.id} is damaged`, {
      hint: 'restore the database from a backup; the journal beside it brings back what was closed since',
    })
  }
  const closed = { wanted: 'closed', generation: tombstone.generation, employeeId: tombstone.employeeId } as const
  switch (subject.kind) {
    case 'tunnel': {
      const { gatewayStays, ...tunnel } = subject
      return { ...tunnel, ...closed, ...(gatewayStays && { gatewayStays }), admitted: [], presharedKeySealed: null }
    }
    case 'sip-credential':
      return { ...subject, ...closed, displayName: null, secretSealed: null, extensionShared: false }
    case 'assignment':
      return { ...subject, ...closed, policy: null, hasNextHolder: false, leaving: false }
    default:
      return { ...subject, ...closed }
  }
}

export function isDamaged(tombstone: Tombstone): boolean {
  return readSubject(tombstone) === undefined
}

function readSubject({ kind, subjectId, subject }: Tombstone): z.infer<typeof subjectSchema> | undefined {
  const parsed = subjectSchema.safeParse(tryJson(subject))
  return parsed.success && parsed.data.kind === kind && parsed.data.id === subjectId ? parsed.data : undefined
}

export function closedSubjects<K extends SubjectKind>(
  kind: K,
  tombstones: readonly Tombstone[],
): readonly Extract<Subject, { kind: K }>[] {
  return tombstones
    .map(closedSubject)
    .filter((subject): subject is Extract<Subject, { kind: K }> => subject.kind === kind)
}
