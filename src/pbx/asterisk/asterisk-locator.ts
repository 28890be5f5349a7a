import type { Leftover } from '../pbx-driver.ts'
import { shortLine } from '../short-line.ts'

/**
 * The VmX Locator of FreePBX: whoever reaches the voicemail greeting and presses 0, 1 or 2 is sent on to a number, a mobile
 * one for instance (FreePBX/voicemail, Vmx.class.php: `AMPUSER/<extension>/vmx/<mode>/state` and `…/<digit>/ext`). It is
 * kept with the box, so it is a step for a person like the box.
 */
const modes = ['unavail', 'busy', 'temp']
const digits = ['0', '1', '2']

/** @param stored the value in Asterisk's database, empty where there is none */
export async function readLocator(
  extension: string,
  stored: (family: string, key: string) => Promise<string>,
): Promise<readonly Leftover[]> {
  const targets = new Set<string>()
  let isOn = false
  for (const mode of modes) {
    if ((await stored('AMPUSER', `${extension}/vmx/${mode}/state`)).trim() !== 'enabled') continue
    isOn = true
    for (const digit of digits) {
      const target = (await stored('AMPUSER', `${extension}/vmx/${mode}/${digit}/ext`)).trim()
      if (target !== '') targets.add(`${digit} → ${shortLine(target)}`)
    }
  }
  if (!isOn) return []
  const where = targets.size > 0 ? ` (${[...targets].join(', ')})` : ''
  const words = `callers who press a digit in the voicemail greeting are sent on${where}: switch the VmX Locator of the box off`
  return [{ extension, kind: 'voicemail-dial-out', words, clearable: false }]
}
