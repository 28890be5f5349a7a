import { freepbxWorld } from '../fakes/freepbx-world.ts'
import { pbxContract } from './pbx.contract.ts'

pbxContract(
  'freepbx (a fake of its published interface)',
  {
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
    leftovers: 'cleared',
    adoption: true,
  },
  freepbxWorld,
)
