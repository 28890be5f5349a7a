import { createHash, randomBytes } from 'node:crypto'

/** What a phone answers to a challenge (RFC 2617 with MD5, qop=auth), as the value of its header. */
export function digestAnswer(
  challenge: string,
  { method, uri }: { readonly method: string; readonly uri: string },
  login: { readonly username: string; readonly secret: string; readonly ha1?: string },
): string {
  const part = (name: string) => new RegExp(`${name}="?([^",]*)"?`, 'i').exec(challenge)?.[1] ?? ''
  const md5 = (text: string) => createHash('md5').update(text).digest('hex')
  const [realm, nonce, opaque] = [part('realm'), part('nonce'), part('opaque')]
  const cnonce = randomBytes(8).toString('hex')
  const ha1 = login.ha1 ?? md5(`${login.username}:${realm}:${login.secret}`)
  const response = md5(`${ha1}:${nonce}:00000001:${cnonce}:auth:${md5(`${method}:${uri}`)}`)
  return `Digest username="${login.username}", realm="${realm}", nonce="${nonce}", uri="${uri}", response="${response}", algorithm=MD5, cnonce="${cnonce}", qop=auth, nc=00000001${opaque ? `, opaque="${opaque}"` : ''}`
}
