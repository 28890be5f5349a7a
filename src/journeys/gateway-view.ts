/** The home gateways of a person: their own, those of others that carry their phones, and those that stayed when they left. */
import type { Gateway } from '../domain/handset.ts'
import type { EmployeeAccess, StoreReader } from '../store/store.ts'
import type { GatewayView } from './application.ts'

type Reader = Pick<StoreReader, 'get' | 'find'>

/** One for a whole list: what several people share is looked up once. */
export function gatewayViewer(store: Reader): (access: EmployeeAccess) => Promise<readonly GatewayView[]> {
  const others = new Map<string, Promise<GatewayView | null>>()
  const other = (id: string) => {
    const known = others.get(id) ?? viewFromStore(store, id)
    others.set(id, known)
    return known
  }
  return async (access) => {
    const { employee, gateways, handsets } = access
    const own = gateways.filter((gateway) => gateway.removedAt === null && gateway.employeeId === employee.id)
    const carriers = new Set(handsets.flatMap(({ gatewayId }) => gatewayId ?? []))
    const ownIds = new Set(own.map(({ id }) => id))
    const shared = await Promise.all([...carriers].filter((id) => !ownIds.has(id)).map(other))
    return [...own.map((gateway) => ownView(access, gateway)), ...shared.filter((view) => view !== null)]
  }
}

function ownView({ employee, assignments, tunnels, addresses }: EmployeeAccess, { id, kind }: Gateway): GatewayView {
  const tunnel = tunnels.find(({ carrierId, closedAt }) => carrierId === id && closedAt === null)
  const subnets = addresses
    .filter(
      ({ tunnelId, purpose, releasedAt }) => tunnelId === tunnel?.id && purpose === 'phones' && releasedAt === null,
    )
    .map(({ prefix }) => prefix)
  const extension = assignments.find(({ untilAt }) => untilAt === null)?.extension ?? ''
  return {
    id,
    kind,
    subnets,
    owner: { id: employee.id, name: employee.name, extension },
    lastHeardAt: tunnel?.lastHandshakeAt ?? null,
  }
}

/** Null for one that is gone. */
async function viewFromStore(store: Reader, id: string): Promise<GatewayView | null> {
  const gateway = await store.get('gateway', id)
  if (!gateway || gateway.removedAt !== null) return null
  const owner = await store.get('employee', gateway.employeeId)
  const [assignment] = await store.find('assignment', { employeeId: gateway.employeeId, untilAt: null })
  const [tunnel] = await store.find('tunnel', { carrierId: id, closedAt: null })
  return {
    id,
    kind: gateway.kind,
    subnets: tunnel ? await subnetsOf(store, tunnel.id) : [],
    owner: { id: gateway.employeeId, name: owner?.name ?? '', extension: assignment?.extension ?? '' },
    lastHeardAt: tunnel?.lastHandshakeAt ?? null,
  }
}

async function subnetsOf(store: Reader, tunnelId: string): Promise<string[]> {
  const found = await store.find('tunnelAddress', { tunnelId, purpose: 'phones', releasedAt: null })
  return found.map(({ prefix }) => prefix)
}
