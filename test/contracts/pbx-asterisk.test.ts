import { asteriskAbilitiesTold } from '../lab/asterisk-abilities.ts'
import { asteriskWorld } from '../lab/asterisk-world.ts'
import { describeLive } from '../setup/requirements.ts'
import { pbxContract } from './pbx.contract.ts'

describeLive('Asterisk with its accounts in files', ['asterisk'], () => {
  pbxContract('asterisk', asteriskAbilitiesTold, asteriskWorld)
})
