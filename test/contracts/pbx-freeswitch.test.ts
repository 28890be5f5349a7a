import { callClasses } from '../../src/domain/call-policy.ts'
import type { PbxAbilities } from '../../src/pbx/pbx-driver.ts'
import { freeswitchWorld } from '../fakes/freeswitch-world.ts'
import { pbxContract } from './pbx.contract.ts'

/** What the driver is held to, written down a second time. */
const told: PbxAbilities = {
  realm: 'pbx.example.com',
  credentialsPerExtension: 'many',
  readBack: true,
  endsRegistrations: true,
  endsCalls: true,
  resync: true,
  certificates: 'not-checked',
  revocationLists: 'not-checked',
  storesSecretAs: 'digest',
  callClasses: 'absent',
  adoption: false,
}

pbxContract('freeswitch (a fake of its published interface)', told, freeswitchWorld)

pbxContract('freeswitch with call classes (a fake)', { ...told, callClasses: 'enforced' }, async () => {
  const world = await freeswitchWorld({ classContexts: 'ringfence' })
  for (const one of callClasses)
    world.fake.contexts.set(`ringfence-${one}`, 'ringfence_countries ringfence_calls_at_once')
  return world
})
