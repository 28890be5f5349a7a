/** Settings about the steps that a person does: RINGFENCE_PBX_BRAND and RINGFENCE_STEP_REMINDER_HOURS. */
import { quoted, type SettingReader } from '../setting-reader.ts'

export interface ManualSettings {
  /** A file in templates/manual-pbx. */
  readonly brand: string
  readonly stepReminderHours: number
}

const pbxBrands = ['generic', '3cx', 'asterisk', 'freepbx', 'freeswitch', 'kamailio', 'yeastar']

/** @param driver a PBX that is driven is one of its own brand */
export function readManual({ text, wrong }: SettingReader, driver: string): ManualSettings {
  const brand = (text('PBX_BRAND') ?? (pbxBrands.includes(driver) ? driver : 'generic')).toLowerCase()
  if (!pbxBrands.includes(brand))
    wrong('PBX_BRAND', `${quoted(brand)} is no brand with steps of its own`, `one of ${pbxBrands.join(', ')}`)
  const hours = text('STEP_REMINDER_HOURS') ?? '24'
  const isGood = /^[1-9][0-9]{0,3}$/.test(hours)
  if (!isGood)
    wrong('STEP_REMINDER_HOURS', `${quoted(hours)} is not a number of hours`, 'a whole number from 1 to 9999')
  return { brand, stepReminderHours: isGood ? Number(hours) : 24 }
}
