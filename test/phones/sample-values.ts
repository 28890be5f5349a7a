import { join } from 'node:path'
import { Secret } from '../../src/domain/secret.ts'
import type { FileValues } from '../../src/phones/phone-port.ts'

export const templatesFolder = join(import.meta.dirname, '../../templates')

/** Ada's phone, with everything that a file can say. */
export function sampleValues(changes: Partial<FileValues> = {}): FileValues {
  return {
    extension: '1001',
    displayName: 'Ada Lovelace',
    mac: '805ec0aabbcc',
    sip: {
      host: 'pbx.example.com',
      port: 5062,
      username: '1001-k3f9',
      secret: new Secret('sipSecretOfAda7'),
      realm: 'ringfence',
      expiresSeconds: 600,
    },
    caCertificate: '-----BEGIN CERTIFICATE-----\nY2E=\n-----END CERTIFICATE-----\n',
    clientCertificate: {
      certificate: '-----BEGIN CERTIFICATE-----\nYWRh\n-----END CERTIFICATE-----',
      privateKey: new Secret('-----BEGIN PRIVATE KEY-----\na2V5\n-----END PRIVATE KEY-----'),
    },
    provisioningUrl: 'https://phones.example.com/p/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/',
    phoneAdminPassword: new Secret('adminPasswordOfAda8'),
    phoneUserPassword: new Secret('userPasswordOfAda9'),
    timeServer: '10.77.0.1',
    settings: {},
    ...changes,
  }
}

/** Every secret of `sampleValues`, and what is derived from them: none may stay in a blanking document. */
export const sampleSecrets = [
  'sipSecretOfAda7',
  'adminPasswordOfAda8',
  'userPasswordOfAda9',
  'a2V5',
  'AAAAAAAA',
  '1001',
  'Ada',
  'k3f9',
  'pbx.example.com',
]
