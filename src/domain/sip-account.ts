import { createHash } from 'node:crypto'
import { bad, good, type Parsed } from './parse.ts'
import type { Secret } from './secret.ts'
import { defaultId } from './site.ts'

/** One secret for one extension; where the PBX can hold several there is one for each handset (`handsetId` set). */
export interface SipCredential {
  readonly id: string
  readonly assignmentId: string
  readonly handsetId: string | null
  /** The digest username: the extension and a few characters of chance, so that a log line tells handsets apart. */
  readonly username: string
  /** Sealed with context `sip:<id>:<generation>`; erased (null) once the door is proved shut. */
  readonly secretSealed: string | null
  readonly generation: number
  readonly createdAt: string
  readonly closedAt: string | null
}

/** Digits only, as dialled; leading zeros count. */
export function parseExtension(input: unknown): Parsed<string> {
  if (typeof input !== 'string' || input.trim() === '') return bad('extension', 'the extension is missing')
  const extension = input.trim()
  if (!/^[0-9]{2,15}$/.test(extension)) {
    return bad(
      'extension',
      `${JSON.stringify(extension.slice(0, 40))} is not an extension`,
      'use 2 to 15 digits, such as 1001',
    )
  }
  return good(extension)
}

/** As it can be typed again: the first PBX goes without saying unless it was given a name. */
export function extensionAt({ extension, pbx }: { readonly extension: string; readonly pbx: string }): string {
  return pbx === defaultId || extension === '' ? extension : `${extension}@${pbx}`
}

/** H(A1) of RFC 2617 section 3.2.2.2 in lower-case hex: all that a PBX needs to know of a secret. */
export function digestHa1(username: string, realm: string, secret: Secret): string {
  return createHash('md5').update(`${username}:${realm}:${secret.reveal()}`).digest('hex')
}
