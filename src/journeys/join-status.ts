/** "Is it working?": what was seen of an invite's tunnels and phones. Evidence only; what was not seen is not told. */
import type { Handset } from '../domain/handset.ts'
import type { Tunnel } from '../domain/tunnel.ts'
import type { EmployeeAccess } from '../store/store.ts'
import type { JourneyContext } from './context.ts'
import type { JoinStatus, PhoneStatus, TunnelState } from './join-view.ts'
import { openInvite } from './open-invite.ts'
import { handsetsOfInvite, tunnelsOfInvite } from './tunnel-hand-over.ts'

/** WireGuard shakes hands every two minutes while it has anything to send, and ours has: a keepalive (wireguard.com/protocol). */
const connectedMs = 180_000

/** So long a phone may take before the page says what to look at. */
const patienceMs = 45_000

/** The PBX is read for a waiting page at most so often. */
const lookAgainMs = 10_000

export type JoinStatusOf = (token: string) => Promise<JoinStatus | null>

/** Null for every refusal alike. */
export function joinStatus(context: JourneyContext): JoinStatusOf {
  let lookedAt = 0
  /** A registration is only seen when somebody looks; a page that waits for one asks for that, all pages together. */
  const lookAgain = (credentials: readonly string[]): void => {
    const now = context.system.now().getTime()
    if (credentials.length === 0 || now - lookedAt < lookAgainMs) return
    lookedAt = now
    context.loop.nudge('sip-credential', credentials)
  }
  return async (token) => {
    const invited = await openInvite(context, token)
    if (!invited) return null
    const { access } = invited
    const phones = handsetsOfInvite(access, token).map((handset) => phoneStatus(context, access, handset))
    const waiting = phones.filter(({ tunnel, account }) => tunnel === 'connected' && account === 'not-registered')
    lookAgain(waiting.flatMap(({ id }) => credentialOf(access, id)?.id ?? []))
    return {
      tunnels: tunnelsOfInvite(access, token).map((tunnel) => ({ id: tunnel.id, state: tunnelState(context, tunnel) })),
      phones,
    }
  }
}

function phoneStatus(context: JourneyContext, access: EmployeeAccess, handset: Handset): PhoneStatus {
  const carrierId = handset.gatewayId ?? handset.id
  const tunnel = access.tunnels.find((candidate) => candidate.carrierId === carrierId && candidate.closedAt === null)
  const state = tunnel ? tunnelState(context, tunnel) : null
  const account = accountOf(access, handset)
  const fetchesNothing = context.catalogue.model(handset.model)?.signIn?.how === 'save'
  const fetched = fetchesNothing ? null : handset.enrolledAt !== null
  return {
    id: handset.id,
    tunnelId: tunnel?.id ?? null,
    tunnel: state,
    fetched,
    account,
    help: account === 'registered' || !tunnel ? null : helpFor(context, tunnel, state!, fetched),
  }
}

/**
 * A connected tunnel through which nothing came says that the app never found the PBX, so its name led nowhere or
 * elsewhere; packets without a registration say that it found it and was not let in.
 */
function helpFor(
  context: JourneyContext,
  tunnel: Tunnel,
  state: TunnelState,
  fetched: boolean | null,
): PhoneStatus['help'] {
  if (state !== 'connected') return 'tunnel'
  const since = tunnel.firstHandshakeAt
  if (fetched === false || since === null || context.system.now().getTime() - Date.parse(since) < patienceMs)
    return null
  return tunnel.publicKey !== null && context.traffic.carriedAt(tunnel.publicKey) !== null ? 'sign-in' : 'name'
}

function tunnelState(context: JourneyContext, { publicKey, nextPublicKey, lastHandshakeAt }: Tunnel): TunnelState {
  const live = [publicKey, nextPublicKey].flatMap((key) => (key && context.handshakes.get(key)) || [])
  const last = [...live, ...(lastHandshakeAt ? [lastHandshakeAt] : [])].sort().at(-1)
  if (last === undefined) return publicKey === null && nextPublicKey === null ? 'no-key' : 'silent'
  return context.system.now().getTime() - Date.parse(last) <= connectedMs ? 'connected' : 'quiet'
}

function accountOf(access: EmployeeAccess, handset: Handset): PhoneStatus['account'] {
  const credential = credentialOf(access, handset.id)
  const line = access.verdicts.find(
    ({ system, subjectId, wanted }) => system === 'sip-account' && subjectId === credential?.id && wanted === 'open',
  )
  const { facts } = JSON.parse(line?.evidence ?? '{}') as { facts?: { registrations?: unknown } }
  const registrations = facts?.registrations
  if (typeof registrations !== 'number') return 'unknown'
  return registrations > 0 ? 'registered' : 'not-registered'
}

/** Its own, or the extension's one. */
function credentialOf({ credentials, handsets }: EmployeeAccess, handsetId: string) {
  const handset = handsets.find(({ id }) => id === handsetId)
  const live = credentials.filter(({ closedAt }) => closedAt === null)
  return (
    live.find((credential) => credential.handsetId === handsetId) ??
    live.find((credential) => credential.handsetId === null && credential.assignmentId === handset?.assignmentId)
  )
}
