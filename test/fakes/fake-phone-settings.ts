import type { Actor } from '../../src/domain/token.ts'
import { AppError } from '../../src/errors.ts'
import type { Application, EmployeeView } from '../../src/journeys/application.ts'
import type { PhoneSettingView } from '../../src/journeys/setting-view.ts'

/** What phones' files say beside what they must, in memory; `label` is the one setting that there is. */
export function fakePhoneSettings(
  people: () => readonly EmployeeView[],
  now: string,
  did: (deed: string, actor: Actor) => void,
): Pick<Application, 'phoneSettings' | 'handsetSettings' | 'setPhoneSetting' | 'unsetPhoneSetting'> {
  const phoneSettings = new Map<string, PhoneSettingView>()
  return {
    phoneSettings: async () => [...phoneSettings.values()],
    async handsetSettings(handsetId) {
      if (!people().some(({ handsets }) => handsets.some((handset) => handset.id === handsetId)))
        throw new AppError('NOT_FOUND', 'there is no such handset', { hint: '`ringfence show` lists them' })
      return [...phoneSettings.values()].map(({ layer, scope, name, value, note }) => ({
        layer,
        scope,
        name,
        value,
        note,
        beats: [{ layer: 'site', scope: 'default', value: 'beaten' }],
      }))
    },
    async setPhoneSetting(address, value, { dryRun }, actor) {
      did('setPhoneSetting', actor)
      if (address.name !== 'label')
        throw new AppError('INVALID_INPUT', `${address.name} is not a setting of phones`, { hint: 'one of label' })
      const handset = people()
        .flatMap((one) => one.handsets)
        .find(({ id: known }) => known === address.scope)
      const setting = {
        ...{ ...address, value, setAt: now, setBy: actor.name, note: null },
        handset: handset ? { extension: '1001', model: handset.model, mac: handset.mac } : null,
      }
      if (!dryRun) phoneSettings.set(JSON.stringify(address), setting)
      return { ...setting, dryRun, changes: [], telling: dryRun ? [] : ['nobody can be told (PBX by hand)'] }
    },
    async unsetPhoneSetting(address, { dryRun }, actor) {
      did('unsetPhoneSetting', actor)
      const setting = phoneSettings.get(JSON.stringify(address))
      if (!setting) throw new AppError('NOT_FOUND', 'nothing is set there', { hint: '`ringfence phone-settings`' })
      if (!dryRun) phoneSettings.delete(JSON.stringify(address))
      return { ...setting, dryRun, changes: [], telling: dryRun ? [] : ['nobody can be told (PBX by hand)'] }
    },
  }
}
