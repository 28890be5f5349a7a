import { ariWorld } from '../lab/ari-world.ts'
import { asteriskAbilitiesTold } from '../lab/asterisk-abilities.ts'
import { describeLive } from '../setup/requirements.ts'
import { pbxContract } from './pbx.contract.ts'

describeLive('Asterisk with its accounts made over ARI', ['asterisk', 'openssl'], () => {
  pbxContract('asterisk over ARI', asteriskAbilitiesTold, () => ariWorld())
})
