/** Settings about the steps that a person does: RINGFENCE_PBX_BRAND and RINGFENCE_STEP_REMINDER_HOURS. */
import { quoted, type SettingReader } from '../setting-reader.ts'

const pbxBrands = ['generic', '3cx', 'asterisk', 'freepbx', 'freeswitch', 'kamailio', 'yeastar']

/** @param driver a PBX that is driven is one of its own brand */
export function readBrand({ text, wrong }: SettingReader, driver: string): string {
  const brand = (text('PBX_BRAND') ?? (pbxBrands.includes(driver) ? driver : 'generic')).toLowerCase()
  if (!pbxBrands.includes(brand))
    wrong('PBX_BRAND', `${quoted(brand)} is no brand with steps of its own`, `one of ${pbxBrands.join(', ')}`)
  return brand
}

/** How long a step of any PBX may be open before somebody is reminded. */
export function readStepReminder({ text, wrong }: SettingReader): number {
  const hours = text('STEP_REMINDER_HOURS') ?? '24'
  if (/^[1-9][0-9]{0,3}$/.test(hours)) return Number(hours)
  wrong('STEP_REMINDER_HOURS', `${quoted(hours)} is not a number of hours`, 'a whole number from 1 to 9999')
  return 24
}
