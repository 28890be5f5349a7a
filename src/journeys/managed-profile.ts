import type { Secret } from '../domain/secret.ts'
import type { Actor } from '../domain/token.ts'
import { AppError } from '../errors.ts'
import { auditEvent, type JourneyContext } from './context.ts'
import { tunnelName } from './gateway-setup.ts'
import { configurationOf } from './tunnel-hand-over.ts'

export interface TunnelProfile {
  readonly fileName: string
  /** It holds the private key. */
  readonly text: Secret
}

/**
 * A tunnel as a profile for the admin's device management. Only while the key that we made is there: it is erased when the
 * tunnel has spoken, and when somebody's browser made another. Each look is recorded.
 * @throws AppError NOT_FOUND, CONFLICT
 */
export async function takeManagedProfile(
  context: JourneyContext,
  tunnelId: string,
  platform: 'ios' | 'macos',
  actor: Actor,
): Promise<TunnelProfile> {
  const tunnel = await context.store.get('tunnel', tunnelId)
  const handset = tunnel?.carrierKind === 'handset' ? await context.store.get('handset', tunnel.carrierId) : undefined
  const [access] = handset ? await context.store.employeesWithAccess({ ids: [handset.employeeId] }) : []
  if (!tunnel || tunnel.closedAt !== null || !access)
    throw new AppError('NOT_FOUND', 'there is no such tunnel of a handset', { hint: '`ringfence show` lists them' })
  const configuration = configurationOf(context, access, tunnel)
  if (configuration === null)
    throw new AppError('CONFLICT', 'the private key of this tunnel is not here any more', {
      hint: 'the tunnel is in use, or its key was made in a browser; `ringfence invite` makes a new one',
    })
  const { id: employeeId } = access.employee
  await context.store.transaction((tx) =>
    tx.record(auditEvent(context, 'tunnel.profile-taken', { employeeId, subjectId: tunnelId, actor }, { platform })),
  )
  const name = tunnelName(access, tunnel)
  return {
    fileName: `${name}-${platform}.mobileconfig`,
    text: context.managedProfile({
      tunnelId,
      name,
      organization: new URL(context.config.phoneDoor.url).hostname,
      platform,
      hubEndpoint: context.config.hub.endpoint,
      configuration,
    }),
  }
}
