import type { EffectiveSetting, PhoneSetting } from '../domain/phone-setting.ts'
import type { ChangedHandset } from './file-view.ts'
import type { HandsetName } from './find-handset.ts'

export interface PhoneSettingView extends Omit<PhoneSetting, 'id'> {
  /** Why the file of this handset or model will not say it; null when it will, or when it is set for the whole site. */
  readonly note: string | null
  /** In the layer of handsets: which one `scope` is; null in the others. */
  readonly handset: HandsetName | null
}

export interface EffectiveSettingView extends EffectiveSetting {
  readonly note: string | null
}

/** What a change does, or would do: whose files it changes, and who is therefore told to fetch them. */
export interface PhoneSettingChange extends PhoneSettingView {
  readonly dryRun: boolean
  readonly changes: readonly ChangedHandset[]
  /** Who is told, and what the others do, in sentences; empty for a dry run. */
  readonly telling: readonly string[]
}
