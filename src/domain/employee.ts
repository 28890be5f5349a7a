import { bad, good, type Parsed } from './parse.ts'

/** `offboarding` until every access system is seen shut or acknowledged, then `offboarded`. There is no way back. */
export type Lifecycle = 'active' | 'offboarding' | 'offboarded'

export interface Employee {
  readonly id: string
  readonly siteId: string
  readonly name: string
  readonly email: string
  readonly lifecycle: Lifecycle
  /** Grows with every change of what this person may hold. */
  readonly generation: number
  readonly createdAt: string
  readonly offboardRequestedAt: string | null
  readonly offboardRequestedBy: string | null
  readonly offboardReason: string | null
  readonly offboardedAt: string | null
  /** The frozen leaver file (JSON), written once at completion. */
  readonly leaverFile: string | null
}

/** An employee holds an extension of a PBX from … until …; `untilAt` null = now. */
export interface Assignment {
  readonly id: string
  readonly employeeId: string
  readonly pbxId: string
  readonly extension: string
  readonly fromAt: string
  readonly untilAt: string | null
  /** When an admin said that the extension, which was on the PBX before, is Ringfence's from now on; null: it was made. */
  readonly adoptedAt: string | null
  /** JSON of a CallPolicy; null: nothing was chosen. */
  readonly callPolicy: string | null
  /** Grows with every change of what the extension may dial. */
  readonly generation: number
}

// Cc: control characters; Zl/Zp: line and paragraph separators; Cs: lone surrogates. All can end a line somewhere.
const breaksLines = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]/u

/** People's names are theirs: quotes, brackets, emoji, right-to-left marks, `{{` and `=cmd()` are fine. */
export function parseName(input: unknown): Parsed<string> {
  if (typeof input !== 'string' || input.trim() === '') return bad('name', 'the name is missing')
  const name = input.trim().normalize('NFC')
  if (breaksLines.test(name)) {
    return bad('name', 'the name contains a control character or a line break', 'type it again without pasting')
  }
  // Only zero-width and format characters: on every list the line would look empty.
  if (!/[^\p{Cf}\p{Z}\p{M}]/u.test(name)) return bad('name', 'the name shows no character', 'type it again')
  if ([...name].length > 120) return bad('name', 'the name is longer than 120 characters')
  return good(name)
}

/** Deliberately simple: one @, no spaces or brackets, a dot in the domain; lower-cased, since people mix cases. */
export function parseEmail(input: unknown): Parsed<string> {
  if (typeof input !== 'string' || input.trim() === '') return bad('email', 'the e-mail address is missing')
  const email = input.trim().toLowerCase().normalize('NFC')
  if (
    email.length > 254 ||
    !/^[^\s@<>()[\]",;:\\\p{C}]{1,64}@[^\s@<>()[\]",;:\\\p{C}]+\.[^\s@.<>()[\]",;:\\\p{C}]+$/u.test(email)
  ) {
    return bad(
      'email',
      `${JSON.stringify(email.slice(0, 80))} is not an e-mail address`,
      'it should look like ada@example.com',
    )
  }
  return good(email)
}
