/** When each tunnel last carried somebody's packet, as far as the hub's listings since the start of this process tell. */
import { carriedMore } from '../domain/tunnel-traffic.ts'

export interface TrafficWatch {
  /** One complete listing, with the time of the look. */
  note(peers: readonly { readonly publicKey: string; readonly receivedBytes: number }[], now: Date): void
  /** ISO 8601; null when nothing was seen. */
  carriedAt(publicKey: string): string | null
}

export function trafficWatch(): TrafficWatch {
  let last = new Map<string, number>()
  let lookedAt: Date | null = null
  const carried = new Map<string, string>()
  return {
    note(peers, now) {
      const seconds = lookedAt === null ? 0 : Math.max(0, (now.getTime() - lookedAt.getTime()) / 1_000)
      for (const { publicKey, receivedBytes } of peers) {
        const before = last.get(publicKey)
        if (before !== undefined && carriedMore(receivedBytes - before, seconds))
          carried.set(publicKey, now.toISOString())
      }
      last = new Map(peers.map(({ publicKey, receivedBytes }) => [publicKey, receivedBytes]))
      lookedAt = now
      for (const key of carried.keys()) if (!last.has(key)) carried.delete(key)
    },
    carriedAt: (publicKey) => carried.get(publicKey) ?? null,
  }
}
