/** Which home gateway that is there already takes new phones: never a guess between several. */
import { parsePrefix } from '../domain/address.ts'
import type { Gateway } from '../domain/handset.ts'
import { AppError } from '../errors.ts'
import type { Model } from '../phones/phone-port.ts'
import type { StoreReader } from '../store/store.ts'
import type { HandsetInput } from './application.ts'
import type { CheckedHandset } from './check-person.ts'
import type { JourneyContext } from './context.ts'
import { gatewayViewer } from './gateway-view.ts'
import { invalid } from './refusal.ts'

/**
 * The one that `gatewayOf` names, by whoever has it or by the network of its phones.
 * @throws AppError INVALID_INPUT, CONFLICT
 */
export async function gatewayOf(
  context: Pick<JourneyContext, 'store' | 'pbxs'>,
  { gatewayOf: named, gateway: kind }: Pick<HandsetInput, 'gateway' | 'gatewayOf'>,
  handsets: readonly CheckedHandset[],
  pbxId: string,
): Promise<Gateway | null> {
  const { store } = context
  if (named === undefined) return null
  const refuse = (message: string, hint: string) => invalid([{ field: 'gatewayOf', message, hint }])
  if (kind !== undefined)
    throw refuse('a gateway that is there already has its kind', 'name either a kind or a person, not both')
  if (handsets.every(({ model }) => model.capabilities.ownTunnel))
    throw refuse('none of these handsets hangs on a gateway', 'leave it out: they bring their own tunnel')
  const gateway = (await behind(store, named)) ?? (await ofPerson(store, named))
  if (gateway) {
    const other = await otherPbx(context, gateway, pbxId)
    if (other === null) return gateway
    throw refuse(
      `this home gateway carries phones of PBX ${other} alone`,
      'leave it out: these phones get a gateway of their own',
    )
  }
  throw refuse(
    `${JSON.stringify(named.slice(0, 80))} is nobody who has a home gateway here`,
    'name the e-mail address or extension of the person at the same home whose phones hang on it',
  )
}

/**
 * A router was set up for the address of one PBX, and nobody drives there again: phones of another hang on another.
 * @returns the name of the PBX that it is for, or null where that is the same one
 */
async function otherPbx(
  { store, pbxs }: Pick<JourneyContext, 'store' | 'pbxs'>,
  gateway: Gateway,
  pbxId: string,
): Promise<string | null> {
  const phones = await store.find('handset', { gatewayId: gateway.id, removedAt: null })
  const assignments = await Promise.all(phones.map(({ assignmentId }) => store.get('assignment', assignmentId)))
  const owners = phones.length > 0 ? assignments : await store.find('assignment', { employeeId: gateway.employeeId })
  const other = owners.find((assignment) => assignment && assignment.pbxId !== pbxId)
  if (!other) return null
  return pbxs.find(({ settings }) => settings.id === other.pbxId)?.settings.name ?? other.pbxId
}

/**
 * Somebody's own gateway for one phone more; null when they have none yet.
 * @param wanted the kind that was asked for
 * @throws AppError CONFLICT
 */
export async function ownGateway(
  { store }: Pick<JourneyContext, 'store'>,
  employeeId: string,
  wanted: Model | null,
): Promise<Gateway | null> {
  const own = await store.find('gateway', { employeeId, removedAt: null })
  if (own.length === 0) return null
  const fitting = wanted ? own.filter(({ kind }) => wanted.id === `gateway-${kind}`) : own
  if (fitting.length > 0) return theOne(store, fitting)
  throw new AppError('CONFLICT', `there is a home gateway of another kind already: ${await listed(store, own)}`, {
    hint: 'leave the kind out: the phone then hangs on that one',
  })
}

async function behind(store: StoreReader, text: string): Promise<Gateway | null> {
  const prefix = text.includes('/') ? parsePrefix(text)?.text : undefined
  if (prefix === undefined) return null
  const [address] = await store.find('tunnelAddress', { prefix, purpose: 'phones', releasedAt: null })
  const tunnel = address && (await store.get('tunnel', address.tunnelId))
  const gateway = tunnel && (await store.get('gateway', tunnel.carrierId))
  return gateway?.removedAt === null ? gateway : null
}

async function ofPerson(store: StoreReader, who: string): Promise<Gateway | null> {
  const holder = await store.employeeBy(who)
  const [access] = holder ? await store.employeesWithAccess({ ids: [holder.id] }) : []
  if (access?.employee.lifecycle !== 'active') return null
  const all = access.gateways.filter(({ removedAt }) => removedAt === null)
  const own = all.filter(({ employeeId }) => employeeId === access.employee.id)
  if (all.length === 0) return null
  return theOne(store, own.length > 0 ? own : all)
}

async function theOne(store: StoreReader, gateways: readonly Gateway[]): Promise<Gateway> {
  const [only, ...others] = gateways
  if (only && others.length === 0) return only
  throw new AppError(
    'CONFLICT',
    `there are ${gateways.length} home gateways to choose from: ${await listed(store, gateways)}`,
    {
      hint: 'name one by the network of its phones, such as --gateway-of 10.78.0.0/28',
    },
  )
}

async function listed(store: StoreReader, gateways: readonly Gateway[]): Promise<string> {
  const people = await store.employeesWithAccess({ ids: [...new Set(gateways.map(({ employeeId }) => employeeId))] })
  const views = (await Promise.all(people.map(gatewayViewer(store)))).flat()
  return gateways
    .map(({ id, kind }) => {
      const view = views.find((one) => one.id === id)
      return [kind, view?.subnets.join(' ') ?? '', view ? `of ${view.owner.name}` : ''].filter(Boolean).join(' ')
    })
    .join(', ')
}
