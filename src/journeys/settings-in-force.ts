import type { Handset } from '../domain/handset.ts'
import { type EffectiveSetting, effectivePhoneSettings, type PhoneSetting } from '../domain/phone-setting.ts'
import { defaultId } from '../domain/site.ts'

export type SettingsInForce = Readonly<Record<string, EffectiveSetting>>

/** What holds for a handset, by name. Sorted once: thousands of handsets may have settings of their own. */
export function settingsInForce(
  rows: readonly PhoneSetting[],
): (handset: Pick<Handset, 'id' | 'model'>) => SettingsInForce {
  const shelves = Map.groupBy(rows, ({ layer, scope }) => `${layer}/${scope}`)
  return ({ id, model }) => {
    const scopes = { site: defaultId, model, handset: id }
    const theirs = Object.entries(scopes).flatMap(([layer, scope]) => shelves.get(`${layer}/${scope}`) ?? [])
    return effectivePhoneSettings(theirs, scopes)
  }
}

/** As a file's values have them. */
export function plainSettings(settings: SettingsInForce): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(settings).map(([name, { value }]) => [name, value]))
}
