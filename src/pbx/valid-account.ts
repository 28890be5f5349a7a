/** What every PBX's files, tables and messages can hold without a second meaning; names are each driver's own business. */
import { plainWord } from '../domain/plain-word.ts'
import { parseExtension } from '../domain/sip-account.ts'
import { AppError } from '../errors.ts'
import type { NotifyTarget, PbxAccount } from './pbx-driver.ts'

/** @throws AppError INVALID_INPUT when a value is not one that a PBX can hold safely. */
export function requireValidAccount({ extension, maxContacts, credentials }: PbxAccount): void {
  if (!parseExtension(extension).ok || extension !== extension.trim()) throw invalid('extension', extension)
  if (!Number.isInteger(maxContacts) || maxContacts < 1 || maxContacts > 20)
    throw invalid('number of devices', String(maxContacts))
  for (const { id, generation, username, secret } of credentials) {
    if (!/^[A-Za-z0-9-]{1,64}$/.test(id)) throw invalid('credential id', id)
    if (!Number.isSafeInteger(generation) || generation < 0) throw invalid('generation', String(generation))
    if (!plainWord.test(username)) throw invalid('user name', username)
    if (secret.reveal() === '') throw new AppError('INVALID_INPUT', 'an empty secret is no secret')
  }
  if (new Set(credentials.map(({ id }) => id)).size !== credentials.length)
    throw new AppError('INVALID_INPUT', `extension ${extension} lists the same credential twice`)
}

/** Where the PBX holds one secret for an extension. */
export function requireOneSecret({ extension, credentials }: PbxAccount): void {
  if (credentials.length > 1)
    throw new AppError('INVALID_INPUT', `extension ${extension} can have one secret on this PBX, not several`)
}

/** @throws AppError INVALID_INPUT for what could mean something else: Asterisk splits variables at commas. */
export function requireValidTarget({ extension, event }: NotifyTarget): void {
  if (!parseExtension(extension).ok || extension !== extension.trim())
    throw new AppError('INVALID_INPUT', `${JSON.stringify(extension.slice(0, 40))} is no extension`)
  if (!/^[A-Za-z0-9-]{1,40}(;[A-Za-z0-9-]{1,40}(=[A-Za-z0-9-]{1,40})?){0,5}$/.test(event))
    throw new AppError('INVALID_INPUT', `${JSON.stringify(event.slice(0, 80))} cannot be sent as an event`)
}

function invalid(what: string, value: string): AppError {
  return new AppError('INVALID_INPUT', `${JSON.stringify(value.slice(0, 80))} cannot be used as ${what} on a PBX`)
}
