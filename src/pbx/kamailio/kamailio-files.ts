import { createHash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createDurably, makeFolder, readIfThere, writeIfOther } from '../../durable-file.ts'
import { AppError } from '../../errors.ts'
import type { KamailioOptions, RevocationListContent } from './kamailio-options.ts'
import { listFile, registrarScript } from './kamailio-script.ts'
import { prepareTables, withTables } from './kamailio-tables.ts'

/** Kamailio's group reads what we write; the folder decides who that is. */
const forGroup = 0o640

/** How long the start may wait for the database. */
const startMs = 20_000

/**
 * What must lie there before Kamailio starts: script, TLS profiles, a revocation list, tables. Call it at the start. A
 * file that is as it should be is not written again.
 */
export async function prepareKamailio(options: KamailioOptions): Promise<void> {
  const { files } = registrarScript(options)
  await makeFolder(options.folder, 0o750)
  for (const [name, text] of files) await writeIfOther(join(options.folder, name), text, forGroup)
  const published = await readIfThere(options.revocationList.path)
  // A list that is no list would keep Kamailio from starting, and a doubtful one replaces nothing.
  if (published && options.revocationList.read(published))
    await writeIfOther(join(options.folder, listFile), published, forGroup)
  // Kamailio's group writes it too: SQLite marks there who is reading.
  if ('sqlite' in options.database) await createDurably(options.database.sqlite, '', 0o660)
  await withTables(options.database, AbortSignal.timeout(startMs), prepareTables)
}

/**
 * The newest published list where Kamailio reads it, and what it says.
 * @throws AppError PBX_REFUSED when it is none: the one that Kamailio has stays.
 */
export async function copyList({ folder, revocationList }: KamailioOptions): Promise<RevocationListContent> {
  const bytes = await readIfThere(revocationList.path)
  const content = bytes && revocationList.read(bytes)
  if (!bytes || !content) {
    throw new AppError(
      'PBX_REFUSED',
      'the published revocation list is missing or damaged: Kamailio keeps the last one',
      {
        hint: 'Ringfence publishes a new list by itself; if this stays, check who else writes into its data folder',
        retryable: true,
      },
    )
  }
  await writeIfOther(join(folder, listFile), bytes, forGroup)
  return content
}

/** The list that Kamailio finds at its next start or reload; null when it is none. */
export async function readCopiedList({
  folder,
  revocationList,
}: KamailioOptions): Promise<{ readonly content: RevocationListContent; readonly writtenAt: Date } | null> {
  const path = join(folder, listFile)
  const bytes = await readIfThere(path)
  const content = bytes && revocationList.read(bytes)
  return content ? { content, writtenAt: (await stat(path)).mtime } : null
}

/** One word for all that `tls.reload` reads; a new server certificate must be taken over too. */
export async function tlsFingerprint(options: KamailioOptions): Promise<string> {
  const { folder, certificateFile, keyFile, handsetCaFile } = options
  const hash = createHash('sha256')
  for (const path of [join(folder, listFile), certificateFile, keyFile, handsetCaFile]) {
    const bytes = await readIfThere(path)
    hash.update(bytes ? `${bytes.length} ` : 'none ').update(bytes ?? '')
  }
  return hash.digest('hex').slice(0, 16)
}

/** Why Kamailio shows another mark than the one that was written, or none. */
export function otherDatabaseHint({ database }: Pick<KamailioOptions, 'database'>): string {
  const same = 'RINGFENCE_DATABASE in local.cfg must be the same database as RINGFENCE_PBX_DATABASE'
  return 'sqlite' in database
    ? `Kamailio's group must be able to write ${database.sqlite} and its folder, in order to read it: chmod 2770 ${dirname(database.sqlite)}. Where that is so: ${same}`
    : `${same}, and Kamailio needs the right to read our tables`
}
