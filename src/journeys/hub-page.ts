import type { Peer } from '../tunnels/hub-port.ts'
import { tellEvent } from './audit-words.ts'
import type { JourneyContext } from './context.ts'
import { factsOf } from './event-facts.ts'
import type { HubQuery, HubView, PeerView, peerKinds } from './hub-view.ts'
import type { HubWatch } from './hub-watch.ts'
import { onlineMinutes, quietDays } from './people-view.ts'

type Kind = (typeof peerKinds)[number]

const driftShown = 8
/** Of these the ones about the hub are picked. */
const driftRead = 60

/** What the hub last said; nobody is asked anew, so that the page is quick and a hub that hangs keeps nobody waiting. */
export async function hubView(context: JourneyContext, watch: HubWatch, query: HubQuery): Promise<HubView> {
  const { hub } = context.config
  const { description, failure, firewall } = watch
  return {
    since: watch.since,
    endpoint: hub.endpoint,
    subnets: hub.subnets,
    phoneSubnets: hub.phoneSubnets,
    said: description && { at: description.at, ...description.is },
    failure: failure && { at: failure.at, ...failure.is },
    firewall: firewall && {
      at: firewall.at,
      rulesIntact: firewall.is.rulesIntact,
      admitted: firewall.is.admitted.length,
    },
    listing: await listing(context, watch, query),
    traffic: watch.traffic.total(context.system.now()),
    drift: await drift(context),
  }
}

async function listing(
  context: JourneyContext,
  watch: HubWatch,
  { show, offset, limit }: HubQuery,
): Promise<HubView['listing']> {
  if (watch.peers === null) return null
  const { at, is: peers } = watch.peers
  const now = context.system.now()
  const strange = new Set(await context.store.strangeKeys(peers.map(({ publicKey }) => publicKey)))
  const before = (ms: number) => new Date(now.getTime() - ms).toISOString()
  const [onlineSince, quietSince] = [before(onlineMinutes * 60_000), before(quietDays * 86_400_000)]
  const is: Readonly<Record<Kind, (peer: Peer) => boolean>> = {
    all: () => true,
    online: ({ lastHandshakeAt }) => lastHandshakeAt !== null && lastHandshakeAt >= onlineSince,
    quiet: ({ lastHandshakeAt }) => lastHandshakeAt !== null && lastHandshakeAt < quietSince,
    never: ({ lastHandshakeAt }) => lastHandshakeAt === null,
    strange: ({ publicKey }) => strange.has(publicKey),
  }
  const count = Object.fromEntries(
    Object.entries(is).map(([kind, belongs]) => [kind, peers.filter(belongs).length]),
  ) as Record<Kind, number>
  const found = peers.filter(is[show]).toSorted(byHandshake)
  return {
    at,
    count,
    matching: found.length,
    peers: await peerViews(context, watch, found.slice(offset, offset + limit)),
  }
}

/** The latest first, those that never spoke last, by key among themselves. */
function byHandshake(one: Peer, other: Peer): number {
  const [left, right] = [one.lastHandshakeAt ?? '', other.lastHandshakeAt ?? '']
  if (left !== right) return left < right ? 1 : -1
  return one.publicKey < other.publicKey ? -1 : 1
}

async function peerViews(
  { store, system, catalogue }: JourneyContext,
  { traffic }: HubWatch,
  peers: readonly Peer[],
): Promise<readonly PeerView[]> {
  const owners = await store.tunnelOwners(peers.map(({ publicKey }) => publicKey))
  const byKey = new Map(
    owners.flatMap((owner) =>
      [owner.publicKey, owner.nextPublicKey].flatMap((key) => (key === null ? [] : [[key, owner] as const])),
    ),
  )
  return peers.map(({ publicKey, allowedIps, lastHandshakeAt, endpoint }) => {
    const owner = byKey.get(publicKey)
    const modelId = owner?.model ?? `gateway-${owner?.gatewayKind}`
    return {
      publicKey,
      allowedIps,
      lastHandshakeAt,
      endpoint,
      owner: owner
        ? {
            employeeId: owner.employeeId,
            name: owner.name,
            handsetId: owner.handsetId,
            what: catalogue.model(modelId)?.name ?? modelId,
            replacement: owner.nextPublicKey === publicKey,
          }
        : null,
      traffic: traffic.of(publicKey, system.now()),
    }
  })
}

async function drift({ store }: JourneyContext): Promise<HubView['drift']> {
  const events = await store.auditPage({ kinds: ['access.drift', 'stranger.seen'], limit: driftRead })
  return events
    .map(({ at, kind, detail }) => ({ at, kind, facts: factsOf(detail) }))
    .filter(({ facts }) => facts.system === 'tunnel' || facts.system === 'firewall')
    .slice(0, driftShown)
    .map(({ at, kind, facts }) => ({ at, text: tellEvent(kind, { detail: facts, subject: null }) }))
}
