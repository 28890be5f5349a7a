/**
 * One value that an admin set for the files of phones, in one of three layers: a handset's own wins over its model's, and
 * that one over the site's.
 */
export interface PhoneSetting {
  /** `<layer>/<scope>/<name>`. */
  readonly id: string
  readonly layer: PhoneSettingLayer
  /** Id of the site, of the model or of the handset. */
  readonly scope: string
  readonly name: string
  readonly value: string
  readonly setAt: string
  readonly setBy: string
}

export type PhoneSettingLayer = (typeof phoneSettingLayers)[number]

/** Weakest first. */
export const phoneSettingLayers = ['site', 'model', 'handset'] as const

export interface EffectiveSetting {
  readonly value: string
  /** The layer that won. */
  readonly layer: PhoneSettingLayer
}

/** What holds for one handset, by name: the strongest layer that says something. */
export function effectivePhoneSettings(
  settings: readonly PhoneSetting[],
  scopes: Readonly<Record<PhoneSettingLayer, string>>,
): Readonly<Record<string, EffectiveSetting>> {
  const effective: Record<string, EffectiveSetting> = Object.create(null)
  for (const layer of phoneSettingLayers) {
    for (const setting of settings) {
      if (setting.layer === layer && setting.scope === scopes[layer])
        effective[setting.name] = { value: setting.value, layer }
    }
  }
  return effective
}
