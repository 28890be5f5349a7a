/** An office and a branch, with a PBX each. */
import { type FakePbx, fakePbx } from '../fakes/fake-pbx.ts'
import { openWorld, person, type World, type WorldOptions } from './world.ts'

export const branchSettings = {
  RINGFENCE_PBX_NAME: 'office',
  RINGFENCE_PBX2: 'manual',
  RINGFENCE_PBX2_NAME: 'branch',
  RINGFENCE_PBX2_SITE: 'Branch office',
  RINGFENCE_PBX2_ADDRESS: '10.90.1.2',
  RINGFENCE_PBX2_HOST: 'branch.example.com',
  RINGFENCE_PBX2_PORT: '6061',
  RINGFENCE_PBX2_REALM: 'branch',
}

export function openTwo(branch: FakePbx = fakePbx(), options: WorldOptions = {}): Promise<World> {
  const env = { ...branchSettings, ...options.env }
  return openWorld({ ...options, env, morePbxs: { branch } })
}

export const onBranch = (name: string, extension: string, ...handsets: readonly string[]) => ({
  ...person(name, extension, ...handsets),
  pbx: 'branch',
})
