import { canonicalPrefix, formatAddress, type Prefix, parsePrefix, pieceAt, pieceCount } from '../domain/address.ts'
import { defaultId } from '../domain/site.ts'
import { addressQuarantineDays, type TunnelAddress } from '../domain/tunnel.ts'
import { AppError } from '../errors.ts'
import type { StoreWriter } from '../store/store.ts'
import { newId } from '../system.ts'
import type { JourneyContext } from './context.ts'

/** How many candidates are asked for one by one before the whole list is fetched: a fresh pool needs one. */
const candidates = 32

/** Behind a gateway: 14 addresses, one of them the gateway's. */
const phoneSubnetLength = 28

/**
 * One address of each hub subnet for the tunnel and, for a gateway, a phone subnet. Allotted in turn, so that a released
 * address rests as long as can be, and never within the quarantine.
 * @throws AppError ADDRESS_POOL_EXHAUSTED
 */
export async function allotAddresses(
  context: JourneyContext,
  tx: StoreWriter,
  tunnelId: string,
  carrier: 'handset' | 'gateway',
): Promise<readonly TunnelAddress[]> {
  const { subnets, phoneSubnets } = context.config.hub
  const rows: TunnelAddress[] = []
  const take = async (
    pool: readonly string[],
    length: (subnet: Prefix) => number,
    purpose: TunnelAddress['purpose'],
  ) => {
    for (const text of pool) {
      const subnet = parsePrefix(text)!
      const prefix = await nextFree(context, tx, text, subnet, length(subnet))
      if (prefix === null) continue
      rows.push({
        id: newId(context.system),
        tunnelId,
        hubId: defaultId,
        prefix,
        purpose,
        allottedAt: context.system.now().toISOString(),
        releasedAt: null,
      })
      if (purpose === 'phones') return
    }
  }
  await take(subnets, (subnet) => (subnet.family === 4 ? 32 : 128), 'carrier')
  const carriers = rows.length
  if (carrier === 'gateway') await take(phoneSubnets, () => phoneSubnetLength, 'phones')
  if (carriers < subnets.length) throw exhausted('tunnel', 'RINGFENCE_HUB_SUBNET')
  if (carrier === 'gateway' && rows.length === carriers) throw exhausted('phone subnet', 'RINGFENCE_PHONE_SUBNETS')
  await tx.insert('tunnelAddress', rows)
  return rows
}

/**
 * The reserved address of one more phone behind a gateway: the lowest that nobody has or had within the quarantine. The
 * first of the subnet is the gateway's own.
 * @throws AppError ADDRESS_POOL_EXHAUSTED
 */
export async function allotPhoneAddress(context: JourneyContext, tx: StoreWriter, gatewayId: string): Promise<string> {
  const [tunnel] = await tx.find('tunnel', { carrierId: gatewayId, closedAt: null })
  const [row] = tunnel
    ? await tx.find('tunnelAddress', { tunnelId: tunnel.id, purpose: 'phones', releasedAt: null })
    : []
  const subnet = row && parsePrefix(row.prefix)
  if (!subnet) throw new AppError('CONFLICT', 'the home gateway has no network for phones', { hint: 'try again' })
  const since = new Date(context.system.now().getTime() - addressQuarantineDays * 86_400_000).toISOString()
  const taken = new Set(
    (await tx.find('handset', { gatewayId }))
      .filter(({ removedAt }) => removedAt === null || removedAt > since)
      .map(({ phoneAddress }) => phoneAddress),
  )
  for (let at = subnet.base + 2n; at < subnet.end; at++) {
    const address = formatAddress(4, at)
    if (!taken.has(address)) return address
  }
  throw new AppError('ADDRESS_POOL_EXHAUSTED', `this home gateway has no free address for another phone`, {
    hint: `addresses rest ${addressQuarantineDays} days after their last phone; give this phone a gateway of its own`,
  })
}

async function nextFree(
  context: JourneyContext,
  tx: StoreWriter,
  pool: string,
  subnet: Prefix,
  length: number,
): Promise<string | null> {
  const count = pieceCount(subnet, length)
  if (count === 0n) return null
  const since = new Date(context.system.now().getTime() - addressQuarantineDays * 86_400_000).toISOString()
  const pointerId = `next-address:${pool}`
  const pointer = BigInt((await tx.get('setting', pointerId))?.value ?? '0')
  let taken: ReadonlySet<string> | null = null
  for (let step = 0n; step < count; step++) {
    const index = (pointer + step) % count
    const prefix = pieceAt(subnet, length, index)
    if (prefix === null) continue
    if (step > candidates && taken === null)
      taken = new Set((await tx.takenPrefixes(defaultId, since)).map((text) => canonicalPrefix(text) ?? text))
    const free = taken === null ? await isFree(tx, prefix, since) : !taken.has(prefix)
    if (!free) continue
    await tx.put('setting', [{ id: pointerId, value: String((index + 1n) % count) }])
    return prefix
  }
  return null
}

async function isFree(tx: StoreWriter, prefix: string, since: string): Promise<boolean> {
  const holders = await tx.find('tunnelAddress', { hubId: defaultId, prefix })
  return holders.every((holder) => holder.releasedAt !== null && holder.releasedAt <= since)
}

function exhausted(what: string, setting: string): AppError {
  return new AppError('ADDRESS_POOL_EXHAUSTED', `there is no free ${what} address left`, {
    hint: `addresses rest ${addressQuarantineDays} days after their last holder; add a further subnet to ${setting}`,
  })
}
