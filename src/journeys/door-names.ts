/** What a door belongs to, as people call it: a phone by its model and the end of its MAC address, a gateway by its kind. */
import type { SubjectKind } from '../domain/access.ts'
import type { EmployeeAccess } from '../store/store.ts'

/** Null where nothing better than the id is known. */
export function doorNames(access: EmployeeAccess): (kind: SubjectKind, subjectId: string) => string | null {
  const handsets = new Map(
    access.handsets.map(({ id, model, mac }) => [id, mac === null ? model : `${model} …${mac.slice(-4)}`]),
  )
  const gateways = new Map(access.gateways.map(({ id, kind }) => [id, `the ${kind} gateway`]))
  const tunnels = new Map(
    access.tunnels.map(({ id, carrierId }) => [id, handsets.get(carrierId) ?? gateways.get(carrierId)]),
  )
  const certificates = new Map(access.certificates.map(({ id, handsetId }) => [id, handsets.get(handsetId)]))
  const credentials = new Map(
    access.credentials.map(({ id, handsetId }) => [id, handsetId === null ? undefined : handsets.get(handsetId)]),
  )
  const of: Readonly<Record<SubjectKind, ReadonlyMap<string, string | undefined>>> = {
    'phone-door': handsets,
    tunnel: tunnels,
    certificate: certificates,
    'sip-credential': credentials,
    // Theirs alone: the extension is on every line of theirs.
    assignment: new Map(),
    // Theirs alone: there is nothing to tell it from.
    administrator: new Map(),
  }
  return (kind, subjectId) => {
    // `<id>#<what>`: of a tunnel that goes on, a key that it used to have or a phone that left it.
    const [id = '', part] = subjectId.split('#')
    const name = of[kind].get(id) ?? null
    if (part === undefined) return name
    const phone = handsets.get(part)
    return phone === undefined ? (name === null ? null : `${name}, earlier key`) : `${phone}, shared gateway`
  }
}
