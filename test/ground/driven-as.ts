import type { DriverSettings } from '../../src/pbx-settings/driver-settings.ts'
import type { PbxSettings } from '../../src/pbx-settings.ts'

type Of<Kind extends DriverSettings['kind']> = Extract<DriverSettings, { kind: Kind }>

/** What this one driver is told. */
export function drivenAs<Kind extends DriverSettings['kind']>({ driven }: PbxSettings, kind: Kind): Of<Kind> {
  const is = (settings: DriverSettings): settings is Of<Kind> => settings.kind === kind
  if (is(driven)) return driven
  throw new Error(`the PBX is driven as ${driven.kind}, not as ${kind}`)
}
