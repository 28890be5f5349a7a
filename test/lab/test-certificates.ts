import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Certificates for tests, made by openssl so that nothing of ours vouches for itself. PEM throughout. */
export interface TestCertificate {
  readonly certificate: string
  readonly key: string
}

export function makeTestAuthority(name: string): TestCertificate {
  return inFolder((folder) => {
    openssl(
      ['req', '-x509', ...newKey, '-keyout', 'key.pem', '-out', 'cert.pem', '-days', '2', '-subj', `/CN=${name}`],
      folder,
    )
    return readPair(folder)
  })
}

/** `names`: DNS names or addresses for a server; empty for a client. */
export function issueTestCertificate(authority: TestCertificate, commonName: string, names: readonly string[] = []) {
  return inFolder((folder) => {
    writeFileSync(join(folder, 'ca.pem'), authority.certificate)
    writeFileSync(join(folder, 'ca.key'), authority.key, { mode: 0o600 })
    const usage = names.length > 0 ? 'serverAuth' : 'clientAuth'
    const alternative = names.map((name) => (/^[0-9.]+$|:/.test(name) ? `IP:${name}` : `DNS:${name}`)).join(',')
    writeFileSync(
      join(folder, 'extensions'),
      `basicConstraints=CA:FALSE\nextendedKeyUsage=${usage}\n${alternative ? `subjectAltName=${alternative}\n` : ''}`,
    )
    openssl(
      ['req', '-new', ...newKey, '-keyout', 'key.pem', '-out', 'request.pem', '-subj', `/CN=${commonName}`],
      folder,
    )
    openssl(
      [
        'x509',
        '-req',
        '-in',
        'request.pem',
        '-CA',
        'ca.pem',
        '-CAkey',
        'ca.key',
        '-CAcreateserial',
        '-days',
        '2',
      ].concat(['-extfile', 'extensions', '-out', 'cert.pem']),
      folder,
    )
    return readPair(folder)
  })
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']

function inFolder<T>(work: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'ringfence-cert-'))
  try {
    return work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function readPair(folder: string): TestCertificate {
  return {
    certificate: readFileSync(join(folder, 'cert.pem'), 'utf8'),
    key: readFileSync(join(folder, 'key.pem'), 'utf8'),
  }
}

function openssl(args: readonly string[], folder: string): void {
  const result = spawnSync('openssl', args, { cwd: folder, encoding: 'utf8' })
  if (result.status !== 0) throw new Error(`openssl ${args[0]} failed: ${result.stderr ?? result.error?.message}`)
}
