import { manualDriver } from '../../src/pbx/manual.ts'
import { pbxContract } from './pbx.contract.ts'

const unused = async () => {
  throw new Error('a PBX operated by hand is never asked for this')
}

pbxContract('manual', manualDriver({ name: 'Office PBX' }).abilities, async () => ({
  driver: manualDriver({ name: 'Office PBX' }),
  phone: unused,
  addForeign: unused,
  look: () => '',
  goDown: unused,
  comeBack: unused,
  stop: async () => undefined,
}))
