/** What a door is known by where it stands: the address of a tunnel, the start of a former key, a serial, an account. */
import type { SubjectKind } from '../domain/access.ts'
import type { EmployeeAccess } from '../store/store.ts'

export interface DoorMark {
  readonly mark: string | null
  /** Since when it has to be shut; null while it is open, or where nobody knows. */
  readonly shutAt: string | null
}

export function doorMarks(access: EmployeeAccess): (kind: SubjectKind, subjectId: string) => DoorMark {
  const addresses = Map.groupBy(
    access.addresses.filter(({ purpose }) => purpose === 'carrier'),
    ({ tunnelId }) => tunnelId,
  )
  const marks = new Map<string, DoorMark>()
  const put = (kind: SubjectKind, id: string, mark: string | null, shutAt: string | null) =>
    marks.set(`${kind}/${id}`, { mark, shutAt })
  for (const { id, removedAt } of access.handsets) put('phone-door', id, null, removedAt)
  for (const { id, closedAt } of access.tunnels)
    put('tunnel', id, (addresses.get(id) ?? []).map(({ prefix }) => bare(prefix)).join(', ') || null, closedAt)
  for (const { id, serial, revokedAt } of access.certificates)
    put('certificate', id, `serial ${serial.slice(0, 8)}…`, revokedAt)
  for (const { id, username, closedAt } of access.credentials) put('sip-credential', id, username, closedAt)
  for (const { kind, subjectId, subject, closedAt } of access.tombstones)
    put(kind, subjectId, formerMark(subject), closedAt)
  return (kind, id) => marks.get(`${kind}/${id}`) ?? { mark: null, shutAt: null }
}

/** Of a key that a tunnel used to have, or of a phone's place behind a gateway that goes on. */
function formerMark(subject: string): string | null {
  const { retiredKeys, prefixes } = JSON.parse(subject) as { retiredKeys?: unknown; prefixes?: unknown }
  const [key] = Array.isArray(retiredKeys) ? retiredKeys : []
  if (typeof key === 'string') return `${key.slice(0, 8)}…`
  const [prefix] = Array.isArray(prefixes) ? prefixes : []
  return typeof prefix === 'string' ? bare(prefix) : null
}

function bare(prefix: string): string {
  return prefix.replace(/\/(?:32|128)$/, '')
}
