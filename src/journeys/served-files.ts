/** What each handset last got under each name, its secrets masked, so that a preview can say what a phone would get anew. */
import { deflateSync, inflateSync } from 'node:zlib'
import type { Handset } from '../domain/handset.ts'
import type { ServedFile } from '../store/store.ts'
import type { JourneyContext } from './context.ts'
import { maskedFile } from './masked-file.ts'
import { writtenTogether } from './written-together.ts'

export interface ServedFiles {
  /** To be called when a phone got a file; remembers it when it is another than the last one. */
  keep(handset: Handset, fileName: string, contentHash: string): Promise<void>
  /** Writes what is still in memory; what cannot be written is kept for the next time. */
  flush(): Promise<void>
}

/** More than a database that answers ever leaves waiting. */
const mostWaiting = 5_000

export function openServedFiles(context: JourneyContext): ServedFiles {
  const { store, catalogue, system, log } = context
  let waiting = new Map<string, ServedFile>()
  const writing = writtenTogether(flush, (error) =>
    log.error({ err: error }, 'what phones were served could not be written'),
  )

  async function keep(handset: Handset, asked: string, contentHash: string): Promise<void> {
    // Certificates and keys are not made from a template, and there is nothing to compare in them.
    if (catalogue.templateOf(handset.model, asked, handset.mac) === null || waiting.size >= mostWaiting) return
    const fileName = spelledName(context, handset, asked) ?? asked
    const id = `${handset.id}/${fileName}`
    const last = waiting.get(id) ?? (await store.get('servedFile', id))
    if (last?.contentHash === contentHash) return
    // If a secret or a template changes just now, this is newer than what was served: the next fetch puts it right.
    const file = await maskedFile(context, handset, fileName)
    if (!file) return
    const at = system.now().toISOString()
    waiting.set(id, { id, handsetId: handset.id, fileName, contentHash, masked: packed(file.body), at })
    writing.soon()
  }

  async function flush(): Promise<void> {
    writing.begin()
    const going = waiting
    waiting = new Map()
    if (going.size === 0) return
    try {
      await store.transaction(async (tx) => {
        const rows: ServedFile[] = []
        for (const row of going.values()) {
          // Of a person who was erased meanwhile nothing may come back.
          const handset = await tx.get('handset', row.handsetId)
          if (handset?.removedAt === null) rows.push(row)
        }
        await tx.put('servedFile', rows)
      })
    } catch (error) {
      waiting = new Map([...going, ...waiting])
      throw error
    }
  }

  return { keep, flush }
}

/** A file's name as the catalogue spells it: phones ask for theirs in either case. */
export function spelledName(
  { catalogue }: Pick<JourneyContext, 'catalogue'>,
  { model, mac }: Pick<Handset, 'model' | 'mac'>,
  asked: string,
): string | undefined {
  return catalogue.fileNames(model, mac).find((name) => name.toLowerCase() === asked.toLowerCase())
}

export async function lastServed(
  { store }: Pick<JourneyContext, 'store'>,
  handsetId: string,
  fileName: string,
): Promise<{ readonly body: string; readonly at: string } | null> {
  const row = await store.get('servedFile', `${handsetId}/${fileName}`)
  return row ? { body: inflateSync(Buffer.from(row.masked, 'base64')).toString(), at: row.at } : null
}

function packed(body: string): string {
  return deflateSync(body).toString('base64')
}
