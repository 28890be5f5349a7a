/** Where something is set: a handset's own value wins over its model's, and that one over the site's. */
export interface PhoneSettingAddress {
  readonly layer: PhoneSettingLayer
  /** Id of the site, of the model or of the handset. */
  readonly scope: string
  readonly name: string
}

/** One value that an admin set for the files of phones. */
export interface PhoneSetting extends PhoneSettingAddress {
  /** `<layer>/<scope>/<name>`. */
  readonly id: string
  readonly value: string
  readonly setAt: string
  readonly setBy: string
}

export type PhoneSettingLayer = (typeof phoneSettingLayers)[number]

/** Weakest first. */
export const phoneSettingLayers = ['site', 'model', 'handset'] as const

export function phoneSettingId({ layer, scope, name }: PhoneSettingAddress): string {
  return `${layer}/${scope}/${name}`
}

/** `name` without a vendor behind it; the layer is the one that won. */
export interface EffectiveSetting extends PhoneSettingAddress {
  readonly value: string
  /** What it won over, strongest first. */
  readonly beats: readonly Pick<PhoneSetting, 'layer' | 'scope' | 'value'>[]
}

/** Whose settings hold for one handset. */
export interface PhoneSettingScopes extends Readonly<Record<PhoneSettingLayer, string>> {
  /** Of the model: `extraLines.<vendor>` of the site is this vendor's `extraLines`. */
  readonly vendor: string
}

/** What holds for one handset, by name: the strongest layer that says something, whole. */
export function effectivePhoneSettings(
  settings: readonly PhoneSetting[],
  scopes: PhoneSettingScopes,
): readonly EffectiveSetting[] {
  const byName = new Map<string, PhoneSetting[]>()
  for (const layer of phoneSettingLayers.toReversed()) {
    for (const setting of settings) {
      if (setting.layer !== layer || setting.scope !== scopes[layer]) continue
      const [name = '', vendor] = setting.name.split('.')
      if (vendor !== undefined && vendor !== scopes.vendor) continue
      byName.set(name, [...(byName.get(name) ?? []), setting])
    }
  }
  return [...byName]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, found]) => {
      const [winner, ...beats] = found.map(({ layer, scope, value }) => ({ layer, scope, value }))
      return { name, ...winner!, beats }
    })
}
