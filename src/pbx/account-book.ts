/**
 * For PBXs that hold one secret for an extension and no mark of ours: which secret Ringfence wrote last, so that a look at
 * the PBX can tell whether it is still the one. Holds digests, no secrets. An extension that the book does not name is
 * somebody else's.
 */
import { access, readFile } from 'node:fs/promises'
import { z } from 'zod'
import { writeDurably } from '../durable-file.ts'
import { AppError } from '../errors.ts'
import type { PbxAccount } from './pbx-driver.ts'

const credentialSchema = z.object({
  id: z.string(),
  generation: z.number().int(),
  digest: z.string().regex(/^[0-9a-f]{32}$/),
})

export type BookedCredential = z.infer<typeof credentialSchema>

const entrySchema = z.object({
  /** The PBX's own number or name of the object, where it has one beside the extension. */
  objectId: z.string().nullable(),
  /** How it came to be Ringfence's: made by it (or about to be), or taken over from somebody else. */
  origin: z.enum(['being-made', 'made', 'adopted']).optional(),
  /** While it is being made: the name by which it is known as ours, since no secret of it is known yet. */
  makingName: z.string().optional(),
  /** Null: the account was shut or is gone. What the PBX holds now is a secret that nobody knows, or somebody else's. */
  credential: credentialSchema.nullable(),
  /** Of a closed one: the secret that nobody was told, so that another one is seen. */
  shutDigest: z.string().optional(),
  /** The credential for whose holder every other way in (web, voicemail, provisioning link) was renewed. */
  renewedFor: z.string().optional(),
  /** What was in force before, newest first; kept by the book itself. A PBX restored from a backup brings one back. */
  former: z.array(credentialSchema).optional(),
})

export type BookEntry = z.infer<typeof entrySchema>

const bookSchema = z.record(z.string().regex(/^[0-9]{2,15}$/), entrySchema)

export interface AccountBook {
  read(): Promise<ReadonlyMap<string, BookEntry>>
  /** On the disk when it returns. Note an account before the PBX is told: what is noted and not there is written again. */
  note(changes: ReadonlyMap<string, BookEntry>): Promise<void>
}

/**
 * Once for each PBX. From then on a book that is not there is a lost one and an error: read as empty, it would make every
 * extension somebody else's, a leaver's too.
 */
export async function beginAccountBook(path: string): Promise<void> {
  const isThere = await access(path).then(
    () => true,
    () => false,
  )
  if (!isThere) await writeDurably(path, '{}\n', 0o600)
}

/** `path`: a file in the data folder, one for each PBX. The driver sees to it that one note is made after another. */
export function accountBook(path: string): AccountBook {
  const read = async (): Promise<Map<string, BookEntry>> => {
    try {
      return new Map(Object.entries(bookSchema.parse(JSON.parse(await readFile(path, 'utf8')))))
    } catch (cause) {
      throw new AppError('INTERNAL', `the list of PBX accounts ${path} cannot be read`, {
        hint: 'restore it from a backup; without one, write `{}` into it: then extensions that are on the PBX have to be taken over again, and those of leavers looked at by hand',
        cause,
      })
    }
  }
  return {
    read,
    async note(changes) {
      const book = await read()
      for (const [extension, entry] of changes)
        book.set(extension, { ...entry, former: formerOf(book.get(extension), entry) })
      const sorted = Object.fromEntries([...book].sort(([one], [other]) => (one < other ? -1 : 1)))
      await writeDurably(path, `${JSON.stringify(sorted, null, 1)}\n`, 0o600)
    },
  }
}

/** Of all that was ever given out for it, the credential whose secret this is. */
export function knownDigest(entry: BookEntry | undefined, digest: string): BookedCredential | undefined {
  const all = [...(entry?.credential ? [entry.credential] : []), ...(entry?.former ?? [])]
  return all.find((one) => one.digest === digest)
}

/** Once: what stands there while the book has it open for somebody was made anew by others, and nobody gave us that. */
export function mayTakeOver({ adopted }: Pick<PbxAccount, 'adopted'>, entry: BookEntry | undefined): boolean {
  return adopted && (entry === undefined || entry.credential === null || entry.credential.generation === 0)
}

/** Years of rotations: forgotten means that a backup with it would bring a stranger's extension, not a leaver's. */
const mostFormer = 200

function formerOf(before: BookEntry | undefined, { credential }: BookEntry): BookedCredential[] {
  const past = [...(before?.credential ? [before.credential] : []), ...(before?.former ?? [])]
  return past.filter(({ digest }) => digest !== credential?.digest).slice(0, mostFormer)
}
