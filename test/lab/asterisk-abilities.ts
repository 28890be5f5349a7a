import type { PbxAbilities } from '../../src/pbx/pbx-driver.ts'

/** What every way of driving an Asterisk is held to, written down a second time. */
export const asteriskAbilitiesTold: PbxAbilities = {
  realm: 'ringfence',
  credentialsPerExtension: 'many',
  readBack: true,
  endsRegistrations: true,
  endsCalls: true,
  resync: true,
  certificates: 'required-on-own-port',
  revocationLists: 'not-checked',
  storesSecretAs: 'digest',
  callClasses: 'enforced',
  adoption: false,
}
