import type { PbxAbilities } from '../../src/pbx/pbx-driver.ts'
import { freepbxWorld } from '../fakes/freepbx-world.ts'
import { freepbxOnAsteriskWorld } from '../lab/freepbx-world.ts'
import { describeLive } from '../setup/requirements.ts'
import { pbxContract } from './pbx.contract.ts'

/** What the driver is held to, written down a second time. */
const told: PbxAbilities = {
  realm: 'asterisk',
  credentialsPerExtension: 'one',
  readBack: true,
  endsRegistrations: true,
  endsCalls: true,
  resync: true,
  certificates: 'not-checked',
  revocationLists: 'not-checked',
  storesSecretAs: 'clear',
  callClasses: 'absent',
  adoption: true,
}

pbxContract('freepbx (a fake of its published interface)', told, freepbxWorld)

describeLive('FreePBX that is a fake, on an Asterisk that is real', ['asterisk'], () => {
  pbxContract('freepbx (a fake) on a real Asterisk', told, freepbxOnAsteriskWorld)
})
