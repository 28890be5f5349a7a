import { describe } from 'vitest'
import { asteriskWorld } from '../lab/asterisk-world.ts'
import { describeLive } from '../setup/requirements.ts'
import { pbxContract } from './pbx.contract.ts'

describeLive('Asterisk', ['asterisk'], () => {
  describe('a real one', () => {
    pbxContract(
      'asterisk',
      {
        realm: 'ringfence',
        credentialsPerExtension: 'many',
        readBack: true,
        endsRegistrations: true,
        endsCalls: true,
        resync: true,
        certificates: 'required-on-own-port',
        revocationLists: 'not-checked',
        storesSecretAs: 'digest',
        callClasses: 'absent',
        leftovers: 'unseen',
        adoption: false,
      },
      asteriskWorld,
    )
  })
})
