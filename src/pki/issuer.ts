import { createPrivateKey, createPublicKey, sign as signWith, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Secret } from '../domain/secret.ts'
import { privateFolder, writeDurably } from '../durable-file.ts'
import { AppError } from '../errors.ts'
import type { System } from '../system.ts'
import type { Vault } from '../vault.ts'
import { buildCertificate, checkCertificate } from './certificate-builder.ts'
import { canonicalSerial, pem } from './der.ts'
import { type KeyPair, keyIdentifier, makeKeyPair } from './key-pair.ts'

/** A CA that can sign; the private key stays inside. */
export interface Issuer {
  /** PEM. */
  readonly certificate: string
  readonly x509: X509Certificate
  readonly commonName: string
  readonly keyIdentifier: Buffer
  readonly notAfter: Date
  /** RSASSA-PKCS1-v1_5 with SHA-256, on a pool thread. */
  sign(bytes: Buffer): Promise<Buffer>
}

export type Purpose = 'handset' | 'service'

interface IssuerFiles {
  readonly folder: string
  readonly vault: Vault
  readonly system: Pick<System, 'now' | 'randomBytes'>
}

const day = 86_400_000
const years = 10
const signAsync = promisify(signWith)

/**
 * Opens `<purpose>-ca.pem` and `<purpose>-ca.key` (sealed with context `ca:<purpose>`), or makes them the first time.
 *
 * The key is on the disk before its certificate exists: a crash in between leaves a key without a certificate, which is
 * completed the next time. Once there is a certificate, phones and PBXs may trust it, so nothing here replaces it.
 * @throws AppError VAULT_LOCKED when the key is another vault's; CERTIFICATE_AUTHORITY_SEALED when the key is gone or
 * does not belong to the certificate.
 */
export async function openIssuer(purpose: Purpose, { folder, vault, system }: IssuerFiles): Promise<Issuer> {
  await privateFolder(folder)
  const certificatePath = join(folder, `${purpose}-ca.pem`)
  const keyPath = join(folder, `${purpose}-ca.key`)
  const context = `ca:${purpose}`
  const [certificate, sealed] = await Promise.all([readIfThere(certificatePath), readIfThere(keyPath)])
  if (certificate !== undefined) {
    if (sealed === undefined) throw unusable(purpose, 'its private key is missing', keyPath)
    return issuerOf(purpose, certificate, vault.open(sealed.trim(), context), keyPath)
  }
  const key = sealed === undefined ? await newKey() : existingKey(vault.open(sealed.trim(), context))
  const made = await selfSigned(purpose, key, system)
  await writeDurably(certificatePath, made, 0o644)
  return issuerOf(purpose, made, key.privateKey, keyPath)

  async function newKey(): Promise<KeyPair> {
    const pair = await makeKeyPair(3072)
    await writeDurably(keyPath, `${vault.seal(pair.privateKey, context)}\n`)
    return pair
  }
}

/** 128 bits by chance, positive, always 16 bytes: the first two bits are fixed at 01, so every tool prints it alike. */
export function newSerial(system: Pick<System, 'randomBytes'>): string {
  const bytes = system.randomBytes(16)
  bytes[0] = (bytes[0]! & 0x3f) | 0x40
  return canonicalSerial(bytes.toString('hex'))
}

/** Certificates count in whole seconds. */
export function wholeSeconds(milliseconds: number): Date {
  return new Date(Math.floor(milliseconds / 1000) * 1000)
}

function existingKey(privateKey: Secret): KeyPair {
  // From PEM text Node derives the public half itself.
  return { publicKey: createPublicKey(privateKey.reveal()).export({ type: 'spki', format: 'der' }), privateKey }
}

async function selfSigned(purpose: Purpose, key: KeyPair, system: IssuerFiles['system']): Promise<string> {
  const identifier = keyIdentifier(key.publicKey)
  // The key's own mark in the name keeps two installations apart in one trust list.
  const words = purpose === 'handset' ? 'Ringfence Handset CA' : 'Ringfence Service CA'
  const name = `${words} ${identifier.toString('hex', 0, 4)}`
  const now = system.now().getTime()
  const content = {
    serial: newSerial(system),
    subject: name,
    issuer: name,
    publicKey: key.publicKey,
    issuerKeyIdentifier: identifier,
    // Older than the oldest leaf, which is back-dated for phones with a slow clock.
    notBefore: wholeSeconds(now - 2 * day),
    notAfter: wholeSeconds(now + years * 365.25 * day),
    profile: { kind: purpose === 'handset' ? 'handset-ca' : 'service-ca' },
  } as const
  const privateKey = createPrivateKey(key.privateKey.reveal())
  const der = await buildCertificate(content, (bytes) => signAsync('sha256', bytes, privateKey))
  checkCertificate(der, content, 'itself')
  return pem('CERTIFICATE', der)
}

function issuerOf(purpose: Purpose, certificate: string, secret: Secret, keyPath: string): Issuer {
  const x509 = parsed(purpose, certificate, keyPath)
  const privateKey = createPrivateKey(secret.reveal())
  const commonName = x509.toLegacyObject().subject.CN
  if (!x509.checkPrivateKey(privateKey))
    throw unusable(purpose, 'its private key belongs to another certificate', keyPath)
  if (!x509.ca || typeof commonName !== 'string')
    throw unusable(purpose, 'its certificate is not that of a CA', keyPath)
  return {
    certificate,
    x509,
    commonName,
    keyIdentifier: keyIdentifier(x509.publicKey.export({ type: 'spki', format: 'der' })),
    notAfter: x509.validToDate,
    sign: (bytes) => signAsync('sha256', bytes, privateKey),
  }
}

function parsed(purpose: Purpose, certificate: string, keyPath: string): X509Certificate {
  try {
    return new X509Certificate(certificate)
  } catch (cause) {
    throw unusable(purpose, 'its certificate is damaged', keyPath, cause)
  }
}

function unusable(purpose: Purpose, why: string, keyPath: string, cause?: unknown): AppError {
  return new AppError('CERTIFICATE_AUTHORITY_SEALED', `the ${purpose} CA cannot be used: ${why}`, {
    hint: `restore ${keyPath} and the .pem beside it from the same backup; making a new CA would cut off every phone that trusts this one`,
    cause,
  })
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
