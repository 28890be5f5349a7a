import { asteriskAbilitiesTold } from '../lab/asterisk-abilities.ts'
import { realtimeWorld } from '../lab/realtime-world.ts'
import { describeLive } from '../setup/requirements.ts'
import { pbxContract } from './pbx.contract.ts'

describeLive('Asterisk with its accounts in PostgreSQL', ['asterisk', 'postgres'], () => {
  pbxContract('asterisk in PostgreSQL', { ...asteriskAbilitiesTold, adoption: true }, () =>
    realtimeWorld({ engine: 'postgres' }),
  )
})

describeLive('Asterisk with its accounts in SQLite', ['asterisk'], () => {
  pbxContract('asterisk in SQLite', { ...asteriskAbilitiesTold, adoption: true }, () =>
    realtimeWorld({ engine: 'sqlite' }),
  )
})
