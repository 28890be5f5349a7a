import { reconcile } from '../../src/access/reconcile.ts'
import type { SipCredentialSubject } from '../../src/domain/access.ts'
import { Secret } from '../../src/domain/secret.ts'
import { digestHa1 } from '../../src/domain/sip-account.ts'
import type { PbxAccount, PbxCredential, PbxDriver } from '../../src/pbx/pbx-driver.ts'
import { sipAccess } from '../../src/pbx/sip-access.ts'
import { fakePbx } from '../fakes/fake-pbx.ts'

/** One extension, two phones, and what is wanted of them. */

export const anasPhone: PbxCredential = {
  id: 'ana',
  generation: 1,
  username: '1001-ana',
  secret: new Secret('anas-secret'),
}
export const bensPhone: PbxCredential = {
  id: 'ben',
  generation: 1,
  username: '1001-ben',
  secret: new Secret('bens-secret'),
}

export function world(...credentials: PbxCredential[]) {
  const fake = fakePbx()
  const desired = new Map<string, PbxAccount>([
    [
      '1001',
      { extension: '1001', displayName: 'Reception', credentials, maxContacts: 4, policy: null, adopted: false },
    ],
  ])
  const system = systemOn(fake.driver, desired)
  const want = (...next: PbxCredential[]) => desired.set('1001', { ...desired.get('1001')!, credentials: next })
  const pass = (...subjects: SipCredentialSubject[]) =>
    reconcile(system, subjects, { actFirst: false, whole: true, signal: AbortSignal.timeout(5000) })
  return { fake, system, want, pass, desired }
}

export function systemOn(driver: PbxDriver, desired: ReadonlyMap<string, PbxAccount>) {
  return sipAccess({
    pbxId: 'default',
    driver,
    accountsOf: async (extensions) => extensions.flatMap((extension) => desired.get(extension) ?? []),
    digestOf: ({ id, generation }) => {
      const issued = [...desired.values()]
        .flatMap(({ credentials }) => credentials)
        .find((one) => one.id === id && one.generation === generation)
      return issued ? digestHa1(issued.username, 'ringfence', issued.secret) : null
    },
  })
}

export function subject(credential: PbxCredential, changes: Partial<SipCredentialSubject> = {}): SipCredentialSubject {
  return {
    kind: 'sip-credential',
    id: credential.id,
    employeeId: null,
    wanted: 'open',
    generation: credential.generation,
    pbxId: 'default',
    extension: '1001',
    username: credential.username,
    displayName: 'Reception',
    secretSealed: null,
    addresses: [],
    certificate: false,
    extensionShared: false,
    ...changes,
  }
}

export const shut = (credential: PbxCredential, changes: Partial<SipCredentialSubject> = {}) =>
  subject(credential, { wanted: 'closed', generation: credential.generation + 1, ...changes })
export const phoneOf = ({ username, secret }: PbxCredential, address = '10.77.0.9') => ({
  extension: '1001',
  username,
  secret: secret.reveal(),
  address,
})
