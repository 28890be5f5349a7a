import type { Tombstone } from '../domain/tombstone.ts'
import { closedSubject } from './closed-subjects.ts'
import type { EmployeeAccess, StoreWriter } from './store.ts'

export interface Shut {
  readonly employeeId: string | null
  readonly at: string
}

/** Closes what is live although a tombstone of the same or a later generation says otherwise. */
export async function shutContradicted(tx: StoreWriter, tombstones: readonly Tombstone[]): Promise<readonly Shut[]> {
  const live = await liveRows(tx)
  const shut: Shut[] = []
  for (const tombstone of tombstones) {
    if (await shutOne(tx, live, tombstone)) shut.push({ employeeId: tombstone.employeeId, at: tombstone.closedAt })
  }
  return shut
}

type Live = Awaited<ReturnType<typeof liveRows>>

async function liveRows(tx: StoreWriter) {
  const byId = <T extends { readonly id: string }>(rows: readonly T[]) => new Map(rows.map((row) => [row.id, row]))
  return {
    tunnels: byId(await tx.find('tunnel', { closedAt: null })),
    certificates: byId(await tx.find('certificate', { revokedAt: null })),
    credentials: byId(await tx.find('sipCredential', { closedAt: null })),
    assignments: byId(await tx.find('assignment', { untilAt: null })),
    handsets: byId(await tx.find('handset', { removedAt: null })),
    administrators: byId(await tx.find('administrator', { disabledAt: null })),
  }
}

/** A door that is shut needs no secret, so they go with it. */
async function shutOne(tx: StoreWriter, live: Live, tombstone: Tombstone): Promise<boolean> {
  const { kind, subjectId: id, closedAt: at, generation } = tombstone
  switch (kind) {
    case 'tunnel': {
      const tunnel = live.tunnels.get(id)
      if (tunnel === undefined) return retireKeys(tx, live, tombstone)
      if (tunnel.generation > generation) return false
      await tx.update('tunnel', id, { closedAt: at, generation, privateKeySealed: null, presharedKeySealed: null })
      for (const address of await tx.find('tunnelAddress', { tunnelId: id, releasedAt: null })) {
        await tx.update('tunnelAddress', address.id, { releasedAt: at })
      }
      if (tunnel.carrierKind === 'gateway') await tx.update('gateway', tunnel.carrierId, { removedAt: at })
      return true
    }
    case 'certificate': {
      if (!live.certificates.has(id)) return false
      await tx.update('certificate', id, { revokedAt: at, privateKeySealed: null })
      return true
    }
    case 'sip-credential': {
      const credential = live.credentials.get(id)
      if (credential === undefined || credential.generation > generation) return false
      await tx.update('sipCredential', id, { closedAt: at, generation, secretSealed: null })
      return true
    }
    case 'assignment': {
      const assignment = live.assignments.get(id)
      if (assignment === undefined || assignment.generation > generation) return false
      await tx.update('assignment', id, { untilAt: at, generation, callPolicy: null })
      return true
    }
    case 'phone-door': {
      const handset = live.handsets.get(id)
      if (handset === undefined || handset.doorGeneration > generation) return false
      // The steady token stays known: for a while it gets the document that blanks the phone.
      await tx.update('handset', id, { removedAt: at, enrolTokenHash: null, enrolExpiresAt: null })
      return true
    }
    case 'administrator': {
      if (!live.administrators.has(id)) return false
      await tx.shutAdministrator(id, at)
      return true
    }
  }
}

/** `<tunnel>#<n>`: one key of a tunnel that lives on. The older copy may still take it for the tunnel's own. */
async function retireKeys(tx: StoreWriter, live: Live, tombstone: Tombstone): Promise<boolean> {
  const [tunnelId] = tombstone.subjectId.split('#')
  const subject = closedSubject(tombstone)
  if (subject.kind !== 'tunnel' || tunnelId === undefined) return false
  // Read again: another retired key of the same tunnel may just have gone.
  const tunnel = live.tunnels.has(tunnelId) ? await tx.get('tunnel', tunnelId) : undefined
  if (tunnel === undefined || tunnel.closedAt !== null) return false
  const retired = new Set([...subject.retiredKeys, ...subject.publicKeys])
  const [publicKey = null, nextPublicKey = null] = [tunnel.publicKey, tunnel.nextPublicKey].filter(
    (key) => key !== null && !retired.has(key),
  )
  if (publicKey === tunnel.publicKey && nextPublicKey === tunnel.nextPublicKey) return false
  await tx.update('tunnel', tunnelId, {
    publicKey,
    nextPublicKey,
    // The sealed private key belongs to the newest key only, which is either gone or still the newest.
    ...(retired.has(tunnel.nextPublicKey ?? tunnel.publicKey ?? '')
      ? { privateKeySealed: null, keyWindowEndsAt: null }
      : {}),
    generation: Math.max(tunnel.generation, tombstone.generation) + 1,
  })
  return true
}

export const offboardReason = 'shut according to the leaver journal, which is newer than this database'

/** People who lost something by this and hold nothing any more: the engine completes their offboarding. */
export async function startOffboardings(tx: StoreWriter, shut: readonly Shut[]): Promise<readonly string[]> {
  const lastShut = new Map<string, string>()
  for (const { employeeId, at } of shut) {
    if (employeeId !== null && (lastShut.get(employeeId) ?? '') < at) lastShut.set(employeeId, at)
  }
  const started: string[] = []
  for (const access of await tx.employeesWithAccess({ ids: [...lastShut.keys()] })) {
    const { employee } = access
    const at = lastShut.get(employee.id) ?? employee.createdAt
    const staying = await stayingGateways(tx, access)
    const holdsNothing =
      access.handsets.every((row) => row.removedAt !== null) &&
      access.tunnels.every((row) => row.closedAt !== null || staying.has(row.carrierId)) &&
      access.credentials.every((row) => row.closedAt !== null)
    for (const assignment of access.assignments) {
      const dead =
        access.handsets.every((row) => row.assignmentId !== assignment.id || row.removedAt !== null) &&
        access.credentials.every((row) => row.assignmentId !== assignment.id || row.closedAt !== null)
      if (dead && assignment.untilAt === null) await tx.update('assignment', assignment.id, { untilAt: at })
    }
    if (!holdsNothing || employee.lifecycle !== 'active') continue
    await tx.update('employee', employee.id, {
      lifecycle: 'offboarding',
      generation: employee.generation + 1,
      offboardRequestedAt: at,
      offboardRequestedBy: 'ringfence',
      offboardReason,
    })
    for (const invite of await tx.find('invite', { employeeId: employee.id, closedAt: null })) {
      await tx.update('invite', invite.id, { closedAt: at })
    }
    for (const gateway of access.gateways) {
      const holder = staying.get(gateway.id)
      if (gateway.removedAt === null)
        await tx.update('gateway', gateway.id, holder === undefined ? { removedAt: at } : { employeeId: holder })
    }
    started.push(employee.id)
  }
  return started
}

/** Gateways of this person that carry phones of others, with one of these. */
async function stayingGateways(
  tx: StoreWriter,
  { employee, gateways }: EmployeeAccess,
): Promise<ReadonlyMap<string, string>> {
  const staying = new Map<string, string>()
  for (const { id } of gateways) {
    const carried = await tx.find('handset', { gatewayId: id, removedAt: null })
    const other = carried.find(({ employeeId }) => employeeId !== employee.id)
    if (other !== undefined) staying.set(id, other.employeeId)
  }
  return staying
}
