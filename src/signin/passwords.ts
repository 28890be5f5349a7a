import { argon2, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Secret } from '../domain/secret.ts'
import { passwordWeakness } from './password-strength.ts'
import type { Passwords } from './sign-in-port.ts'

interface Cost {
  readonly memory: number
  readonly passes: number
  readonly parallelism: number
}

/** OWASP Password Storage Cheat Sheet, argon2id: 19 MiB, two passes, one lane. */
const usualCost: Cost = { memory: 19_456, passes: 2, parallelism: 1 }
const saltBytes = 16
const tagBytes = 32

export function passwords(cost: Cost = usualCost): Passwords {
  // How many of these run at once is for the caller to say, who knows whom they are for (journeys/password-turns.ts).
  const derive = (password: Secret, salt: Buffer, { memory, passes, parallelism }: Cost): Promise<Buffer> =>
    new Promise((resolve, reject) =>
      argon2(
        'argon2id',
        { message: text(password), nonce: salt, memory, passes, parallelism, tagLength: tagBytes },
        (error, tag) => (error ? reject(error) : resolve(tag)),
      ),
    )
  return {
    async hash(password) {
      const salt = randomBytes(saltBytes)
      return phc(cost, salt, await derive(password, salt, cost))
    },
    async verify(hash, password) {
      const known = hash === null ? null : parsed(hash)
      const tag = await derive(password, known?.salt ?? randomBytes(saltBytes), known?.cost ?? cost)
      return known !== null && known.tag.length === tag.length && timingSafeEqual(known.tag, tag)
    },
    weakness: passwordWeakness,
  }
}

/** The same password typed on another keyboard is the same: NFC, as in the OpaqueString profile of RFC 8265 section 4.2. */
function text(password: Secret): Buffer {
  return Buffer.from(password.reveal().normalize('NFC'))
}

/** https://github.com/P-H-C/phc-string-format: base64 without padding. */
function phc({ memory, passes, parallelism }: Cost, salt: Buffer, tag: Buffer): string {
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${base64(salt)}$${base64(tag)}`
}

function base64(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '')
}

/** Null for a hash that is not ours: it fits no password. */
function parsed(hash: string): { readonly cost: Cost; readonly salt: Buffer; readonly tag: Buffer } | null {
  const match = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/.exec(hash)
  if (!match) return null
  const [, memory, passes, parallelism, salt, tag] = match as unknown as string[]
  return {
    cost: { memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism) },
    salt: Buffer.from(salt!, 'base64'),
    tag: Buffer.from(tag!, 'base64'),
  }
}
