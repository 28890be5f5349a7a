import { createHash } from 'node:crypto'
import {
  type EffectiveSetting,
  effectivePhoneSettings,
  type PhoneSetting,
  type PhoneSettingLayer,
  phoneSettingLayers,
} from '../domain/phone-setting.ts'
import { defaultId } from '../domain/site.ts'
import type { Store } from '../store/store.ts'

/**
 * All settings of phones, in memory: every fetch of a phone needs those that hold for it, and must not ask the database.
 * This process is the only writer; whoever changed something calls `refresh` when it is committed.
 */
export interface PhoneSettings {
  all(): readonly PhoneSetting[]
  effective(handset: Phone): readonly EffectiveSetting[]
  /** Another text when something that may hold for this handset was changed. */
  stamp(handset: Phone): string
  refresh(): Promise<void>
}

export interface Phone {
  readonly id: string
  readonly model: string
  readonly vendor: string
}

interface Shelf {
  readonly settings: PhoneSetting[]
  stamp: string | undefined
}

export async function openPhoneSettings(store: Pick<Store, 'find'>): Promise<PhoneSettings> {
  let rows: readonly PhoneSetting[] = []
  let shelves: ReadonlyMap<string, Shelf> = new Map()
  let reading = Promise.resolve()

  async function read(): Promise<void> {
    rows = await store.find('phoneSetting', {})
    const sorted = new Map<string, Shelf>()
    for (const setting of rows) {
      const key = `${setting.layer}/${setting.scope}`
      const shelf = sorted.get(key) ?? { settings: [], stamp: undefined }
      shelf.settings.push(setting)
      sorted.set(key, shelf)
    }
    shelves = sorted
  }

  function refresh(): Promise<void> {
    // One after the other: an older look must not overwrite a newer one.
    const next = reading.then(read)
    reading = next.catch(() => undefined)
    return next
  }

  await refresh()
  return {
    all: () => rows,
    effective: (phone) =>
      effectivePhoneSettings(
        phoneSettingLayers.flatMap((layer) => shelves.get(keyOf(layer, phone))?.settings ?? []),
        { site: defaultId, model: phone.model, handset: phone.id, vendor: phone.vendor },
      ),
    stamp: (phone) => phoneSettingLayers.map((layer) => stampOf(shelves.get(keyOf(layer, phone)))).join('.'),
    refresh,
  }
}

function keyOf(layer: PhoneSettingLayer, { id, model }: Phone): string {
  return `${layer}/${{ site: defaultId, model, handset: id }[layer]}`
}

function stampOf(shelf: Shelf | undefined): string {
  if (shelf === undefined) return ''
  shelf.stamp ??= createHash('sha256')
    .update(JSON.stringify(shelf.settings.map(({ name, value }) => [name, value])))
    .digest('base64url')
    .slice(0, 16)
  return shelf.stamp
}
