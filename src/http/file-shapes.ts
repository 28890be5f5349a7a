/** Bodies of the API around phones' files and what is set for them. */
import { z } from 'zod'
import { phoneSettingLayers } from '../domain/phone-setting.ts'
import { handsetName } from './gateway-shape.ts'

const time = z.string().describe('ISO 8601, UTC')

const settingPlace = {
  layer: z.enum(phoneSettingLayers),
  scope: z.string().describe('the site (default), a model or the id of a handset'),
  value: z.string(),
}
const settingNote = z.string().nullable().describe('why the file does not say it')

export const phoneSetting = z.object({
  ...settingPlace,
  name: z.string(),
  setAt: time,
  setBy: z.string(),
  note: settingNote,
  handset: handsetName.nullable(),
})

export const effectiveSetting = z.object({
  ...settingPlace,
  name: z.string(),
  beats: z.array(z.object(settingPlace)).describe('what it won over, strongest first'),
  note: settingNote,
})

const handsetFileFields = {
  fileName: z.string(),
  purpose: z.string(),
  template: z.string().nullable().describe('null: a certificate or key, which is made from none'),
  ownTemplate: z.boolean().describe("the admin's own, not a delivered one"),
  fetchedAt: time.nullable().describe('since when the version last fetched was served'),
  differs: z.boolean().nullable().describe('whether the next fetch gives another file; null: not known'),
}
export const handsetFile = z.object(handsetFileFields)
export const filePreview = z.object({
  ...handsetFileFields,
  handsetId: z.string(),
  contentType: z.string(),
  body: z.string().describe('every secret is masked'),
  settings: z.array(z.object({ name: z.string(), value: z.string(), layer: z.string() })),
  diff: z.string().nullable().describe('unified, from the version last fetched; null: not known, empty: the same'),
})

export const dryRunQuery = z.strictObject({ dryRun: z.enum(['true', 'false']).optional() })
const changes = z
  .array(z.object({ handsetId: z.string(), employeeId: z.string(), model: z.string(), files: z.array(z.string()) }))
  .describe('handsets whose files change, and which')

export const templateReload = z.object({
  dryRun: z.boolean(),
  replaced: z.array(z.string()),
  unused: z.array(z.string()),
  changes,
})
export const phoneSettingChange = phoneSetting.extend({ dryRun: z.boolean(), changes, telling: z.array(z.string()) })
