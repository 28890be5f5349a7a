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
