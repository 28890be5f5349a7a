import { randomInt } from 'node:crypto'
import { Secret } from '../../domain/secret.ts'
import { AppError } from '../../errors.ts'

/**
 * Passwords as the P-Series demands them. A user's own (web, Linkus): 10 to 63 characters with upper case, lower case and
 * digits; the cloud edition takes none with four digits in a row or the person's name or extension in it. A registration
 * password: 8 to 63 characters.
 */

/** No vowels: no name, and no word, comes about by chance. */
const [lower, upper, digits] = ['bcdfghjkmnpqrstvwxz', 'BCDFGHJKLMNPQRSTVWXZ', '23456789']

/** A secret that is told to nobody. Digits stand alone, so that no extension and no row of four is in it. */
export function unknownPassword(): Secret {
  const block = () => `${pick(lower)}${pick(upper)}${pick(lower)}${pick(digits)}`
  return new Secret(Array.from({ length: 8 }, block).join(''))
}

/** @throws AppError INVALID_INPUT before the PBX is asked: it would answer with a number only. */
export function requireRegistrationSecret(secret: Secret, extension: string): void {
  const { length } = secret.reveal()
  if (length >= 8 && length <= 63) return
  throw new AppError('INVALID_INPUT', `the SIP secret of extension ${extension} is not 8 to 63 characters long`, {
    hint: 'Yeastar takes no other: give the extension a new secret',
  })
}

function pick(letters: string): string {
  return letters[randomInt(letters.length)]!
}
