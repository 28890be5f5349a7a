import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { Secret } from '../domain/secret.ts'

// PKCS#8 header of an X25519 private key (RFC 8410 section 7): what follows are the 32 bytes of the key itself.
const pkcs8Header = Buffer.from('302e020100300506032b656e04220420', 'hex')

/** A new private key as wg(8) writes it: 32 bytes in base64. */
export function newPrivateKey(): Secret {
  const { privateKey } = generateKeyPairSync('x25519')
  const { d } = privateKey.export({ format: 'jwk' })
  return new Secret(Buffer.from(d!, 'base64url').toString('base64'))
}

/** The public key that belongs to a private one, both in base64; the same as `wg pubkey` prints. */
export function publicKeyOf(privateKey: Secret): string {
  const bytes = Buffer.from(privateKey.reveal(), 'base64')
  const key: KeyObject = createPrivateKey({
    key: Buffer.concat([pkcs8Header, bytes]),
    format: 'der',
    type: 'pkcs8',
  })
  const { x } = createPublicKey(key).export({ format: 'jwk' })
  return Buffer.from(x!, 'base64url').toString('base64')
}
