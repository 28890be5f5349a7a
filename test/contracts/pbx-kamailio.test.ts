import { kamailioAbilities } from '../../src/pbx/kamailio.ts'
import { kamailioWorld } from '../lab/kamailio-world.ts'
import { describeLive } from '../setup/requirements.ts'
import { pbxContract } from './pbx.contract.ts'

describeLive('Kamailio', ['kamailio'], () => {
  pbxContract('kamailio, accounts in SQLite', kamailioAbilities({ realm: 'ringfence', dialPlan: null }), kamailioWorld)
})
