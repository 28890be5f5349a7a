import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readConfig } from '../../src/config.ts'
import type { Foundations } from '../../src/main/foundations.ts'
import { keepPbxCertificates } from '../../src/main/pbx-certificates.ts'
import { openTestAuthorities, scratchFolder, testVault } from './pki-fixture.ts'

test.each([
  ['a name beside its address', 'pbx.example.com', 'DNS:pbx.example.com, IP Address:10.90.0.2'],
  ['another address than the one behind the tunnels', '192.0.2.7', 'IP Address:192.0.2.7, IP Address:10.90.0.2'],
  ['the very address', '10.90.0.2', 'IP Address:10.90.0.2'],
])('phones that dial %s find it in the certificate that Ringfence makes for the PBX', async (_, host, names) => {
  await using folder = await scratchFolder()
  const pkiFolder = folder.path
  const authorities = await openTestAuthorities(pkiFolder)
  const config = readConfig({ RINGFENCE_PBX_ADDRESS: '10.90.0.2', RINGFENCE_PBX_HOST: host })
  await keepPbxCertificates(config, { authorities, pkiFolder, vault: testVault } as Foundations, new Date())
  const certificate = new X509Certificate(await readFile(join(pkiFolder, 'for-the-pbx', 'ringfence-pbx.crt')))
  expect(certificate.subjectAltName).toBe(names)
  const found = /^[0-9]/.test(host) ? certificate.checkIP(host) : certificate.checkHost(host)
  expect(found).toBe(host)
})
