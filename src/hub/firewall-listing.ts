import { z } from 'zod'
import { type Prefix, parsePrefix } from '../domain/address.ts'
import { tryJson } from '../domain/json-text.ts'
import { AppError } from '../errors.ts'
import { prefixesOfRange } from '../tunnels/prefix.ts'
import { admittedSets } from './firewall-rules.ts'

/** The table as nft shows it: who is admitted, and a text of the rest that is equal as long as no rule changed. */
export interface TableListing {
  readonly admitted: readonly Prefix[]
  readonly rules: string
}

// libnftables-json(5): an element is an address, a prefix or a range.
const elementSchema = z.union([
  z.string(),
  z.object({ prefix: z.object({ addr: z.string(), len: z.int() }) }),
  z.object({ range: z.tuple([z.string(), z.string()]) }),
])

const setSchema = z.object({ set: z.object({ name: z.string(), elem: z.array(elementSchema).optional() }) })
const listingSchema = z.object({ nftables: z.array(z.record(z.string(), z.unknown())) })
const setNames: readonly string[] = Object.values(admittedSets)

/**
 * Reads what `nft -j list table` printed.
 * @throws AppError COMMAND_FAILED when it is not understood: a doubtful listing must never look like an empty one.
 */
export function parseListing(text: string): TableListing {
  const listing = listingSchema.safeParse(tryJson(text))
  if (!listing.success) throw notUnderstood()
  const admitted: Prefix[] = []
  const rules: unknown[] = []
  for (const entry of listing.data.nftables) {
    // The version of nft is in there; an upgrade changes no rule.
    if ('metainfo' in entry) continue
    rules.push(withoutVolatile('set' in entry ? { set: withoutElements(entry.set) } : entry))
    const set = setSchema.safeParse(entry)
    if (set.success && setNames.includes(set.data.set.name)) {
      for (const element of set.data.set.elem ?? []) admitted.push(...prefixesOf(element))
    } else if ('set' in entry && setNames.includes(nameOf(entry.set))) throw notUnderstood()
  }
  return { admitted, rules: JSON.stringify(rules) }
}

function prefixesOf(element: z.infer<typeof elementSchema>): Prefix[] {
  if (typeof element !== 'string' && 'range' in element) return prefixesOfRange(...element.range)
  const prefix = parsePrefix(typeof element === 'string' ? element : `${element.prefix.addr}/${element.prefix.len}`)
  if (!prefix) throw notUnderstood()
  return [prefix]
}

/** Who is admitted is compared on its own, and who has how many connections is no rule. */
function withoutElements(set: unknown): unknown {
  return typeof set === 'object' && set !== null ? { ...set, elem: undefined } : set
}

/** Handles and counters differ from look to look. */
function withoutVolatile(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutVolatile)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([name]) => name !== 'handle')
  return Object.fromEntries(
    entries.map(([name, inner]) => [name, name === 'counter' ? 'counter' : withoutVolatile(inner)]),
  )
}

function nameOf(set: unknown): string {
  return typeof set === 'object' && set !== null && 'name' in set ? String(set.name) : ''
}

function notUnderstood(): AppError {
  return new AppError('COMMAND_FAILED', 'the listing that nft printed is not understood', {
    hint: '`ringfence doctor` shows the version of nft; 1.0.6 is known to work',
    retryable: true,
  })
}
