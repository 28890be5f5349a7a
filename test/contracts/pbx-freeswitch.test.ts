import { callClasses } from '../../src/domain/call-policy.ts'
import { freeswitchAbilities } from '../../src/pbx/freeswitch.ts'
import { freeswitchWorld } from '../fakes/freeswitch-world.ts'
import { pbxContract } from './pbx.contract.ts'

const abilities = freeswitchAbilities({ realm: 'pbx.example.com', classContexts: null })

pbxContract('freeswitch (a fake of its published interface)', abilities, freeswitchWorld)

pbxContract(
  'freeswitch with call classes (a fake)',
  freeswitchAbilities({ realm: 'pbx.example.com', classContexts: 'ringfence' }),
  async () => {
    const world = await freeswitchWorld({ classContexts: 'ringfence' })
    for (const one of callClasses)
      world.fake.contexts.set(`ringfence-${one}`, 'ringfence_countries ringfence_calls_at_once')
    return world
  },
)
