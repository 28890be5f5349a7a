import { manualDriver } from '../../src/pbx/manual.ts'
import type { PbxAbilities } from '../../src/pbx/pbx-driver.ts'
import { pbxContract } from './pbx.contract.ts'

/** What the driver is held to, written down a second time. */
const told: PbxAbilities = {
  realm: null,
  credentialsPerExtension: 'one',
  readBack: false,
  endsRegistrations: false,
  endsCalls: false,
  resync: false,
  certificates: 'not-checked',
  revocationLists: 'not-checked',
  storesSecretAs: 'unknown',
  callClasses: 'absent',
  adoption: false,
}

const unused = async () => {
  throw new Error('a PBX operated by hand is never asked for this')
}

pbxContract('manual', told, async () => ({
  driver: manualDriver({ name: 'Office PBX', realm: 'office.example.com' }),
  parts: {},
  phone: unused,
  addForeign: unused,
  look: () => '',
  allBut: () => ({}),
  shownName: () => undefined,
  goDown: unused,
  comeBack: unused,
  stop: async () => undefined,
}))
