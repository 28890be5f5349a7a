import { execFile } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { openAuthorities } from '../../src/pki/certificate-authority.ts'
import { type KeyPair, makeKeyPair } from '../../src/pki/key-pair.ts'
import type { HandsetCertificateRequest } from '../../src/pki/pki-port.ts'
import { realSystem } from '../../src/system.ts'
import { vaultWith } from '../../src/vault.ts'

export const testVault = vaultWith(Buffer.alloc(32, 7))
export const handsetId = '0198c0de-0000-7000-8000-0000000000aa'

/** A folder that is gone when the test is over, however it ends. */
export async function scratchFolder(): Promise<{ path: string; [Symbol.asyncDispose](): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), `ringfence-pki-${process.pid}-`))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

/** Leaf keys cost 0.25 s each and are not what most tests are about: they share one. */
let shared: Promise<KeyPair> | undefined
export function sharedKey(): Promise<KeyPair> {
  shared ??= makeKeyPair(2048)
  return shared
}

export function openTestAuthorities(folder: string, overrides: Partial<Parameters<typeof openAuthorities>[0]> = {}) {
  return openAuthorities({ folder, vault: testVault, system: realSystem, takeKey: sharedKey, ...overrides })
}

export function requestFor(overrides: Partial<HandsetCertificateRequest> = {}): HandsetCertificateRequest {
  return {
    handsetId,
    commonName: 'Zoë Müller',
    extension: '1001',
    sipDomain: 'pbx.example.com',
    crlUrl: 'https://phones.example.com/crl/handsets.crl',
    now: new Date(),
    validDays: 397,
    ...overrides,
  }
}

/** OpenSSL's own words and exit code: the judge that shares no code with us. */
export async function openssl(...args: string[]): Promise<{ ok: boolean; text: string }> {
  try {
    const { stdout, stderr } = await promisify(execFile)('openssl', args, { maxBuffer: 64 * 1024 * 1024 })
    return { ok: true, text: stdout + stderr }
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    if (!stdout && !stderr) throw error
    return { ok: false, text: stdout + stderr }
  }
}

export async function fileIn(folder: string, name: string, content: string | Buffer): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, content)
  return path
}

export function commonNameOf(certificate: string): string {
  const name = new X509Certificate(certificate).toLegacyObject().subject.CN
  if (typeof name !== 'string') throw new Error('the certificate has not exactly one CN')
  return name
}
