/** Accounts that the tests of PBXs make. */
import { randomBytes } from 'node:crypto'
import { Secret } from '../../src/domain/secret.ts'
import type { PbxAccount, PbxCredential } from '../../src/pbx/pbx-driver.ts'

/** Quotes, comments, sections, includes, templates, dialplan and spreadsheet words, text directions, emoji, long ones. */
export const awkwardNames = [
  'Ana "Anna" O\'Neill',
  '; comment ;-- block --;',
  '[1001](!,template)',
  '#include /etc/passwd',
  '=cmd|calc!A1',
  '$\u007bSHELL(id)} $[1+1] {{x}}',
  'line\nbreak\r\nauth=none\u2028x\0',
  'back\\slash\\',
  '<sip:evil@example.org>',
  '\u202eevil\u202c \u200fשלום\u200e',
  '👩🏽‍💻 Zoë 李雷',
  'x'.repeat(500),
  '',
  '\ud800 lone',
]

/** Where a PBX has one secret for an extension, its login name is the extension itself (journeys/enrolment.ts). */
export function makeAccount(extension: string, credentials = 1): PbxAccount {
  return {
    extension,
    displayName: 'Ana Gómez',
    credentials: Array.from({ length: credentials }, () => makeCredential(extension)),
    maxContacts: 4,
    policy: null,
    adopted: false,
  }
}

function makeCredential(extension: string): PbxCredential {
  const chance = randomBytes(6).toString('hex')
  const secret = new Secret(randomBytes(18).toString('base64url'))
  return { id: `0199-${chance}`, generation: 1, username: `${extension}-${chance.slice(0, 4)}`, secret }
}

export function rotate(credential: PbxCredential): PbxCredential {
  const secret = new Secret(randomBytes(18).toString('base64url'))
  return { ...credential, generation: credential.generation + 1, secret }
}
