import { z } from 'zod'
import { AppError } from '../../../errors.ts'

/**
 * The certificate names that a sofia profile of FreeSWITCH lets in (`tls-verify-in-subjects`), as a file that the profile
 * includes. What the sources say of it (sofia.c of signalwire/freeswitch; tport_tls.c, tport.c and su_strlst.c of
 * freeswitch/sofia-sip):
 * - Names are joined by `|` and compared whole, in any case, with the certificate's DNS and URI names and its CN.
 * - It is read when the profile starts and never again: a rescan leaves the running list as it is.
 * - An empty list is none, and then every certificate of the authority is let in. So a list always holds a name.
 * - A line is cut at 1 MB (switch_utils.c, DLINE_MAX_SIZE), and a variable ($${…}) longer than twice its line is written
 *   past its end (switch_xml.c, expand_vars). So the file holds the whole parameter, and its length is bounded.
 */
export interface SubjectList {
  /** A name of this list alone, a UUID that no handset has: who is let in by it knows which list is in force. */
  readonly mark: string
  /** Serial (`serialKey`) → the handset's UUID, which its certificate has as `urn:uuid:…`. */
  readonly handsets: ReadonlyMap<string, string>
  /** The same of taken-back certificates whose handset is in the list with a newer one: their name is let in still. */
  readonly former: ReadonlyMap<string, string>
}

/** One spelling for one serial, however many zeros it has in front. */
export function serialKey(hex: string): string {
  return BigInt(`0x${hex}`).toString(16)
}

/** At 46 bytes each this stays below the longest line. */
export const mostNames = 20_000

export function listText({ mark, handsets }: SubjectList): string {
  const names = [mark, ...new Set([...handsets.values()].sort())].map(subjectName)
  return `<include>
  <!-- Written by Ringfence: the certificates that may connect. FreeSWITCH reads it when the profile starts. -->
  <param name="tls-verify-in-subjects" value="${names.join('|')}"/>
</include>
`
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const id = z.string().regex(uuid)
const serials = z.record(z.string().regex(/^[0-9a-f]+$/), id)
const storedSchema = z.array(z.object({ mark: id, handsets: serials, former: serials }))

/** As src/pki/certificate-names.ts writes it into the certificate; nothing else may get into the file. */
function subjectName(handsetId: string): string {
  if (uuid.test(handsetId)) return `urn:uuid:${handsetId}`
  throw new AppError('INTERNAL', `the handset id ${JSON.stringify(handsetId.slice(0, 60))} is not a UUID`, {
    hint: 'handset ids are made by Ringfence; report this',
  })
}

/** Of all lists that may still be in force, the newest first. */
export function storedLists(lists: readonly SubjectList[]): string {
  const rows = lists.map(({ mark, handsets, former }) =>
    JSON.stringify({ mark, handsets: Object.fromEntries(handsets), former: Object.fromEntries(former) }),
  )
  return `[\n${rows.join(',\n')}\n]\n`
}

/** Null for what is none: then no list is known to be in force, and the next one begins anew. */
export function readStoredLists(text: string): readonly SubjectList[] | null {
  try {
    const rows = storedSchema.parse(JSON.parse(text))
    return rows.map(({ mark, handsets, former }) => ({
      mark,
      handsets: new Map(Object.entries(handsets)),
      former: new Map(Object.entries(former)),
    }))
  } catch {
    return null
  }
}
