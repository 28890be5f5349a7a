import { contains, overlaps, type Prefix, parsePrefix } from '../domain/address.ts'
import { parsePublicKey } from '../domain/tunnel.ts'
import { AppError } from '../errors.ts'
import type { PeerChange, PeerSpec } from './hub-port.ts'
import type { DevicePeer, PeerStep } from './peer-driver.ts'
import { prefixIndex } from './prefix.ts'

/** What a hub may hand out: prefixes within its subnets, without the hub's own addresses. */
export interface Territory {
  readonly ownKey: string
  readonly subnets: readonly Prefix[]
  /** The hub's own addresses; a peer that had one of them could speak as the hub. */
  readonly reserved: readonly Prefix[]
}

/** A change whose prefixes have been read and found to be the hub's to give. */
export interface CheckedChange {
  readonly put: readonly CheckedSpec[]
  readonly remove: readonly string[]
}

interface CheckedSpec {
  readonly publicKey: string
  readonly presharedKey: PeerSpec['presharedKey']
  readonly prefixes: readonly Prefix[]
}

/**
 * Everything that can be refused without looking at the interface.
 * @throws AppError HUB_REFUSED; then nothing has been done.
 */
export function checkChange(change: Pick<PeerChange, 'put' | 'remove'>, territory: Territory): CheckedChange {
  const put = change.put.map((spec) => checkSpec(spec, territory))
  const keys = new Set(put.map(({ publicKey }) => publicKey))
  if (keys.size !== put.length) throw refused('a peer is asked for twice in one request')
  for (const key of change.remove) {
    if (!parsePublicKey(key).ok) throw refused('a key to remove is not a WireGuard public key')
    if (keys.has(key)) throw refused(`peer ${key} is to be put and removed in one request`)
  }
  refuseSharedPrefixes(put)
  return { put, remove: [...new Set(change.remove)] }
}

/**
 * The steps from what is to what is asked. A peer that is already as asked gets none, so its session is not touched.
 *
 * WireGuard moves a prefix silently from one peer to another when both ask for it, so a prefix that somebody else holds
 * is refused, unless the holder loses it in the same change (a key rotation). Removals that free nothing for others come
 * first: they shut a door. Holders that hand over go last, so that the prefix moves without a gap.
 *
 * @throws AppError HUB_REFUSED naming the prefix; then nothing has been done.
 */
export function planSteps(change: CheckedChange, peers: readonly DevicePeer[]): PeerStep[] {
  const present = new Map(peers.map((peer) => [peer.publicKey, peer]))
  const added = addedPrefixes(change, present)
  const handingOver = refuseTaken(change, peers, added)
  const removals = change.remove.filter((key) => present.has(key))
  const remove = (publicKey: string): PeerStep => ({ kind: 'remove', publicKey })
  return [
    ...removals.filter((key) => !handingOver.has(key)).map(remove),
    ...takersFirst(change.put, handingOver).flatMap((spec) => putSteps(spec, present.get(spec.publicKey))),
    ...removals.filter((key) => handingOver.has(key)).map(remove),
  ]
}

/** When a giver's list is replaced, the prefix already belongs to its new owner. */
function takersFirst(put: readonly CheckedSpec[], handingOver: ReadonlySet<string>): readonly CheckedSpec[] {
  if (handingOver.size === 0) return put
  const gives = ({ publicKey }: CheckedSpec) => handingOver.has(publicKey)
  return [...put.filter((spec) => !gives(spec)), ...put.filter(gives)]
}

function putSteps(spec: CheckedSpec, now: DevicePeer | undefined): PeerStep[] {
  const allowedIps = spec.prefixes.map(({ text }) => text).sort()
  const sameKey =
    spec.presharedKey === null || (now?.presharedKey !== null && now?.presharedKey?.equals(spec.presharedKey) === true)
  const sameList = now !== undefined && sameTexts(now.allowedIps, allowedIps)
  if (now !== undefined && sameKey && sameList) return []
  return [
    {
      kind: 'put',
      publicKey: spec.publicKey,
      presharedKey: sameKey ? null : spec.presharedKey,
      allowedIps: sameList ? null : allowedIps,
    },
  ]
}

function checkSpec(spec: PeerSpec, territory: Territory): CheckedSpec {
  if (!parsePublicKey(spec.publicKey).ok) throw refused('a peer key is not a WireGuard public key')
  if (spec.publicKey === territory.ownKey) throw refused("the hub's own key cannot be a peer")
  if (spec.presharedKey !== null && !parsePublicKey(spec.presharedKey.reveal()).ok) {
    throw refused(`the preshared key of peer ${spec.publicKey} is not 32 bytes in base64`)
  }
  const prefixes = spec.allowedIps.map((text) => checkPrefix(text, territory))
  return { publicKey: spec.publicKey, presharedKey: spec.presharedKey, prefixes }
}

/** @throws AppError HUB_REFUSED when the prefix is not the hub's to give. */
export function checkPrefix(text: string, territory: Pick<Territory, 'subnets' | 'reserved'>): Prefix {
  const prefix = parsePrefix(text)
  if (!prefix) throw refused(`${JSON.stringify(text.slice(0, 60))} is not an address prefix`)
  if (!territory.subnets.some((subnet) => contains(subnet, prefix))) {
    throw refused(
      `${prefix.text} is outside the hub's subnets`,
      'RINGFENCE_HUB_SUBNET and RINGFENCE_PHONE_SUBNETS name them',
    )
  }
  if (territory.reserved.some((own) => overlaps(own, prefix))) {
    throw refused(`${prefix.text} holds the hub's own address`)
  }
  return prefix
}

function refuseSharedPrefixes(put: readonly CheckedSpec[]): void {
  const all = put
    .flatMap(({ publicKey, prefixes }) => prefixes.map((prefix) => ({ publicKey, prefix })))
    .sort((a, b) => (a.prefix.base < b.prefix.base ? -1 : a.prefix.base > b.prefix.base ? 1 : 0))
  // Wide before narrow at the same start; the furthest end seen so far decides about the next.
  const reach: Record<4 | 6, { publicKey: string; prefix: Prefix } | undefined> = { 4: undefined, 6: undefined }
  for (const entry of all) {
    const before = reach[entry.prefix.family]
    if (before && overlaps(before.prefix, entry.prefix)) {
      throw refused(`${entry.prefix.text} is asked for twice in one request`)
    }
    reach[entry.prefix.family] = entry
  }
}

function addedPrefixes(change: CheckedChange, present: ReadonlyMap<string, DevicePeer>): (readonly [Prefix, string])[] {
  return change.put.flatMap(({ publicKey, prefixes }) => {
    const held = new Set(present.get(publicKey)?.allowedIps)
    return prefixes.filter(({ text }) => !held.has(text)).map((prefix) => [prefix, publicKey] as const)
  })
}

/** Returns the keys that lose a prefix to another peer in this change. */
function refuseTaken(
  change: CheckedChange,
  peers: readonly DevicePeer[],
  added: readonly (readonly [Prefix, string])[],
): ReadonlySet<string> {
  const handingOver = new Set<string>()
  if (added.length === 0) return handingOver
  const taker = prefixIndex(added.map(([prefix, publicKey]) => [prefix, { prefix, publicKey }] as const))
  const removed = new Set(change.remove)
  const kept = new Map(
    change.put.map(({ publicKey, prefixes }) => [publicKey, new Set(prefixes.map(({ text }) => text))]),
  )
  for (const peer of peers) {
    for (const text of peer.allowedIps) {
      const held = parsePrefix(text)
      const taken = held && taker(held)
      if (!taken || taken.publicKey === peer.publicKey) continue
      const loses = removed.has(peer.publicKey) || kept.get(peer.publicKey)?.has(text) === false
      if (!loses) {
        throw refused(
          `${taken.prefix.text} belongs to another peer of this interface (${peer.publicKey} holds ${text})`,
          'remove that peer, or take the prefix from it in the same change',
        )
      }
      handingOver.add(peer.publicKey)
    }
  }
  return handingOver
}

function sameTexts(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((text, at) => text === other[at])
}

function refused(
  message: string,
  hint = 'this points to a fault in the server or a second writer; see its log',
): AppError {
  return new AppError('HUB_REFUSED', message, { hint })
}
