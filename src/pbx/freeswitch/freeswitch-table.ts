import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import type { CallPolicy } from '../../domain/call-policy.ts'
import { plainWord } from '../../domain/plain-word.ts'
import { digestHa1 } from '../../domain/sip-account.ts'
import { writeDurably } from '../../durable-file.ts'
import { AppError } from '../../errors.ts'
import type { PbxAccount } from '../pbx-driver.ts'

/** Who may log in, as FreeSWITCH is told it. Holds digests, no secrets. */

const count = z.number().int().nullable()

const policySchema = z.object({
  class: z.enum(['blocked', 'internal', 'local', 'national', 'international']),
  countries: z.array(z.string()),
  callsAtOnce: count,
  callsPerHour: count,
  callsPerDay: count,
  minutesPerHour: count,
  minutesPerDay: count,
}) satisfies z.ZodType<CallPolicy>

const entrySchema = z.object({
  extension: z.string().regex(/^[0-9]{2,15}$/),
  displayName: z.string(),
  policy: policySchema.nullable(),
  credentials: z
    .array(
      z.object({
        id: z.string(),
        generation: z.number().int(),
        username: z.string().regex(plainWord),
        digest: z.string().regex(/^[0-9a-f]{32}$/),
      }),
    )
    .min(1),
})

export type TableEntry = z.infer<typeof entrySchema>

export interface FreeswitchTable {
  /** From memory: this is asked at every login and every call. */
  byUsername(username: string): { readonly entry: TableEntry; readonly digest: string } | undefined
  byExtension(extension: string): TableEntry | undefined
  entries(): readonly TableEntry[]
  /** On the disk and in force when it returns. Null: gone. */
  change(changes: ReadonlyMap<string, TableEntry | null>): Promise<void>
}

/** @throws AppError INTERNAL for a file that cannot be read: an empty table would lock everybody out. */
export async function openTable(path: string): Promise<FreeswitchTable> {
  let entries = await readEntries(path)
  let usernames = indexOf(entries)
  return {
    byUsername: (username) => usernames.get(username),
    byExtension: (extension) => entries.get(extension),
    entries: () => [...entries.values()],
    async change(changes) {
      const next = new Map(entries)
      for (const [extension, entry] of changes) {
        if (entry) next.set(extension, entry)
        else next.delete(extension)
      }
      const sorted = [...next.values()].sort((one, other) => (one.extension < other.extension ? -1 : 1))
      const text = sorted.map((entry) => JSON.stringify(entry)).join(',\n')
      const index = indexOf(next)
      await writeDurably(path, `[\n${text}\n]\n`, 0o600)
      entries = next
      usernames = index
    },
  }
}

export function entryOf(account: PbxAccount, realm: string): TableEntry {
  const { extension, displayName, policy, credentials } = account
  return {
    extension,
    displayName,
    policy: policy === null ? null : { ...policy, countries: [...policy.countries] },
    credentials: credentials.map(({ id, generation, username, secret }) => ({
      id,
      generation,
      username,
      digest: digestHa1(username, realm, secret),
    })),
  }
}

async function readEntries(path: string): Promise<ReadonlyMap<string, TableEntry>> {
  try {
    const list = z.array(entrySchema).parse(JSON.parse(await readFile(path, 'utf8')))
    return new Map(list.map((entry) => [entry.extension, entry]))
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return new Map()
    throw new AppError('INTERNAL', `the list of FreeSWITCH's accounts ${path} cannot be read`, {
      hint: 'restore it from a backup, or remove it: Ringfence fills it again, and until then nobody can log in',
      cause,
    })
  }
}

/** @throws AppError INVALID_INPUT when a login name would mean two extensions. */
function indexOf(entries: ReadonlyMap<string, TableEntry>) {
  const index = new Map<string, { entry: TableEntry; digest: string }>()
  for (const entry of entries.values()) {
    for (const { username, digest } of entry.credentials) {
      if (index.has(username)) throw new AppError('INVALID_INPUT', `the login name ${username} stands for two phones`)
      index.set(username, { entry, digest })
    }
  }
  return index
}
