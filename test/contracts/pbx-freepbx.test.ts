import { freepbxAbilities } from '../../src/pbx/freepbx.ts'
import { freepbxWorld } from '../fakes/freepbx-world.ts'
import { freepbxOnAsteriskWorld } from '../lab/freepbx-world.ts'
import { describeLive } from '../setup/requirements.ts'
import { pbxContract } from './pbx.contract.ts'

const abilities = freepbxAbilities({ realm: 'asterisk' })

pbxContract('freepbx (a fake of its published interface)', abilities, freepbxWorld)

describeLive('FreePBX that is a fake, on an Asterisk that is real', ['asterisk'], () => {
  pbxContract('freepbx (a fake) on a real Asterisk', abilities, freepbxOnAsteriskWorld)
})
