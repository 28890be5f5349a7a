import { createCipheriv, createDecipheriv, hkdfSync, randomBytes, scrypt } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { tryJson } from './domain/json-text.ts'
import { Secret } from './domain/secret.ts'
import { createDurably } from './durable-file.ts'
import { AppError } from './errors.ts'

/**
 * Seals what must not lie readable in the database or in a stolen backup.
 * `context` names what the value belongs to (`tunnel:<id>:psk`): a sealed value copied to another row does not open.
 */
export interface Vault {
  seal(value: Secret, context: string): string
  /** @throws AppError VAULT_LOCKED when the value was not sealed by this vault in this context. */
  open(sealed: string, context: string): Secret
  /** A key for one purpose, derived from the vault's own (HMAC input, never stored). */
  deriveKey(purpose: string): Buffer
}

// N=2^17 costs a guesser about 0.5 s and 128 MiB a try (measured; RFC 7914 names the parameters).
const scryptParameters = { N: 2 ** 17, r: 8, p: 1, maxmem: 256 * 1024 * 1024 } as const

// AES-GCM (NIST SP 800-38D): a random nonce of 96 bits and the full tag.
const nonceBytes = 12
const tagBytes = 16

const envelopeSchema = z.object({
  version: z.literal(1),
  kdf: z.literal('scrypt'),
  salt: z.base64(),
  key: z.string(),
})

/**
 * Opens the vault file, or makes it with a new random data key the first time.
 * The passphrase is stretched with scrypt and seals only the data key, so it can be changed without re-sealing.
 */
export async function openVault(path: string, passphrase: Secret): Promise<Vault> {
  const existing = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  return vaultWith(
    existing === undefined ? await createEnvelope(path, passphrase) : await readEnvelope(existing, passphrase),
  )
}

/** A vault over a given 32-byte key; `openVault` is the way for a real one, this one serves tests. */
export function vaultWith(dataKey: Buffer): Vault {
  // Three for each file of a phone, always of the same few purposes.
  const derived = new Map<string, Buffer>()
  return {
    seal: (value, context) => sealWith(dataKey, Buffer.from(value.reveal()), context),
    open: (sealed, context) => new Secret(openWith(dataKey, sealed, context).toString()),
    deriveKey(purpose) {
      const key = derived.get(purpose) ?? Buffer.from(hkdfSync('sha256', dataKey, '', `ringfence:${purpose}`, 32))
      derived.set(purpose, key)
      return Buffer.from(key)
    },
  }
}

async function createEnvelope(path: string, passphrase: Secret): Promise<Buffer> {
  const dataKey = randomBytes(32)
  const salt = randomBytes(16)
  const key = sealWith(await stretch(passphrase, salt), dataKey, 'vault')
  const text = `${JSON.stringify({ version: 1, kdf: 'scrypt', salt: salt.toString('base64'), key })}\n`
  // Another server that was started at the same moment may have made one meanwhile. Its key is the one that counts:
  // what was sealed with ours would never open again.
  return (await createDurably(path, text)) ? dataKey : readEnvelope(await readFile(path, 'utf8'), passphrase)
}

async function readEnvelope(text: string, passphrase: Secret): Promise<Buffer> {
  const envelope = envelopeSchema.safeParse(tryJson(text))
  if (!envelope.success) throw locked('the vault file is damaged', 'restore it from a backup of the data folder')
  try {
    return openWith(await stretch(passphrase, Buffer.from(envelope.data.salt, 'base64')), envelope.data.key, 'vault')
  } catch {
    throw locked(
      'the passphrase does not open the vault',
      'check RINGFENCE_PASSPHRASE_FILE; a wrong file is the usual cause',
    )
  }
}

function stretch(passphrase: Secret, salt: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) =>
    scrypt(passphrase.reveal(), salt, 32, scryptParameters, (error, key) => (error ? reject(error) : resolve(key))),
  )
}

function sealWith(key: Buffer, value: Buffer, context: string): string {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(context))
  const sealed = Buffer.concat([cipher.update(value), cipher.final()])
  return `v1.${Buffer.concat([nonce, sealed, cipher.getAuthTag()]).toString('base64url')}`
}

function openWith(key: Buffer, sealed: string, context: string): Buffer {
  try {
    const bytes = Buffer.from(/^v1\.([A-Za-z0-9_-]+)$/.exec(sealed)?.[1] ?? '', 'base64url')
    // Nonce and tag in full length: node:crypto would also take a tag of 4 bytes, which can be guessed.
    if (bytes.length < nonceBytes + tagBytes) throw new RangeError('too short')
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, nonceBytes), { authTagLength: tagBytes })
    decipher.setAAD(Buffer.from(context)).setAuthTag(bytes.subarray(-tagBytes))
    return Buffer.concat([decipher.update(bytes.subarray(nonceBytes, -tagBytes)), decipher.final()])
  } catch {
    throw locked('a sealed value does not open', 'the vault file and the database are not from the same installation')
  }
}

function locked(message: string, hint: string): AppError {
  return new AppError('VAULT_LOCKED', message, { hint })
}
