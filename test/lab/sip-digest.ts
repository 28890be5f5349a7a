import { createHash, randomBytes } from 'node:crypto'

export interface DigestLogin {
  readonly username: string
  readonly secret: string
  /** H(user:realm:secret) instead of the secret: all that some phones are ever told. */
  readonly ha1?: string
}

/** What an Authorization header says to a challenge (RFC 2617, MD5, qop=auth). */
export function digestAnswer(login: DigestLogin, challenge: string, method: string, uri: string): string {
  const part = (name: string) => new RegExp(`${name}="?([^",]*)"?`, 'i').exec(challenge)?.[1] ?? ''
  const md5 = (text: string) => createHash('md5').update(text).digest('hex')
  const [realm, nonce, opaque] = [part('realm'), part('nonce'), part('opaque')]
  const cnonce = randomBytes(8).toString('hex')
  const ha1 = login.ha1 ?? md5(`${login.username}:${realm}:${login.secret}`)
  const response = md5(`${ha1}:${nonce}:00000001:${cnonce}:auth:${md5(`${method}:${uri}`)}`)
  return `Digest username="${login.username}", realm="${realm}", nonce="${nonce}", uri="${uri}", response="${response}", algorithm=MD5, cnonce="${cnonce}", qop=auth, nc=00000001${opaque ? `, opaque="${opaque}"` : ''}`
}

/** By the status of the challenge. */
export const challengeHeaders: ReadonlyMap<number, readonly [asked: string, answered: string]> = new Map([
  [401, ['www-authenticate', 'Authorization']],
  [407, ['proxy-authenticate', 'Proxy-Authorization']],
])
