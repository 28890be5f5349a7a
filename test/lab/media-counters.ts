/**
 * Counts voice packets on the PBX's cable by their length. 20 ms of alaw or ulaw are 160 bytes; with RTP's 12 and UDP's 8
 * that makes 180. SRTP with its default tag of 80 bits (RFC 3711 section 5.2) makes 190 of them.
 */
import type { Namespace } from './network.ts'

export interface MediaCounts {
  /** Phone to PBX and PBX to phone. */
  readonly encrypted: { readonly in: number; readonly out: number }
  readonly plain: { readonly in: number; readonly out: number }
}

const table = 'ringfence_test_media'

/** The table goes with the namespace. */
export async function countMedia(
  pbx: Namespace,
  phones: readonly string[],
): Promise<(phone: string) => Promise<MediaCounts>> {
  const nft = (...args: string[]) => pbx.run('nft', ...args)
  await nft('add', 'table', 'ip', table)
  for (const [chain, hook] of [
    ['in', 'input'],
    ['out', 'output'],
  ] as const) {
    await nft('add', 'chain', 'ip', table, chain, `{ type filter hook ${hook} priority 0; }`)
    for (const phone of phones) {
      for (const [kind, length] of [
        ['encrypted', '190'],
        ['plain', '180'],
      ] as const) {
        const name = counterName(kind, chain, phone)
        await nft('add', 'counter', 'ip', table, name)
        const side = chain === 'in' ? 'saddr' : 'daddr'
        await nft(
          ...['add', 'rule', 'ip', table, chain, 'ip', side, phone, 'udp', 'length', length, 'counter', 'name', name],
        )
      }
    }
  }
  return async (phone) => {
    const listing = await nft('list', 'counters', 'table', 'ip', table)
    const count = (kind: string, chain: string) => {
      const found = new RegExp(`counter ${counterName(kind, chain, phone)} \\{\\s*packets (\\d+)`).exec(listing)
      if (!found) throw new Error(`no such counter: ${listing}`)
      return Number(found[1])
    }
    return {
      encrypted: { in: count('encrypted', 'in'), out: count('encrypted', 'out') },
      plain: { in: count('plain', 'in'), out: count('plain', 'out') },
    }
  }
}

function counterName(kind: string, chain: string, phone: string): string {
  return `${kind}_${chain}_${phone.replaceAll('.', '_')}`
}
