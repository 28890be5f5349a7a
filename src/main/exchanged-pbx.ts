import { isSettled } from '../domain/condition.ts'
import type { Pbx } from '../domain/site.ts'
import { AppError } from '../errors.ts'
import type { StoreReader } from '../store/store.ts'
import { leavingOnes } from './left-pbxs.ts'

type Told = Pick<Pbx, 'id' | 'name' | 'driver' | 'address'>

/**
 * People's extensions hang on a PBX's row, not on the machine. If another machine stood behind the row while doors are
 * being shut on the old one, the new and empty one would be read and every one of them be called shut.
 * @throws AppError CONFIG_INVALID
 */
export async function refuseExchanged(store: Pick<StoreReader, 'get' | 'find'>, told: readonly Told[]): Promise<void> {
  for (const pbx of told) {
    const before = await store.get('pbx', pbx.id)
    // By hand nothing is read: each door is then a step that a person ticks.
    if (before === undefined || pbx.driver === 'manual' || !isAnother(before, pbx)) continue
    const open = await closingOn(store, pbx.id)
    if (open === 0) continue
    throw new AppError(
      'CONFIG_INVALID',
      `PBX ${pbx.name} was ${words(before)} and would now be ${words(pbx)}, but doors of ${open} of its people are still being shut`,
      {
        hint: 'keep the old settings in this place and name the new one as a further PBX (RINGFENCE_PBX2=…), at least until those doors are shut; if the old one is gone for good, set its driver to manual: each door is then a step to tick (docs/pbx.md)',
      },
    )
  }
}

function isAnother(before: Told, { driver, address }: Told): boolean {
  return before.driver !== driver || (before.address !== null && before.address !== address)
}

/** How many have a door there that was not seen shut. */
async function closingOn(store: Pick<StoreReader, 'find'>, pbxId: string): Promise<number> {
  const leaving = await leavingOnes(store)
  const assignments = await store.find('assignment', { pbxId })
  const verdicts = await store.find('verdict', { instance: pbxId, wanted: 'closed' })
  const ofPbx = verdicts.filter(({ system }) => ['sip-account', 'extension'].includes(system))
  return new Set([
    ...assignments.filter(({ employeeId }) => leaving.has(employeeId)).map(({ employeeId }) => employeeId),
    ...ofPbx.filter((verdict) => !isSettled(verdict)).map(({ employeeId, subjectId }) => employeeId ?? subjectId),
  ]).size
}

function words({ driver, address }: Told): string {
  return address === null ? driver : `${driver} at ${address}`
}
