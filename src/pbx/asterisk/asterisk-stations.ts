import type { Leftover } from '../pbx-driver.ts'
import { shortLine } from '../short-line.ts'
import type { AmiSession } from './ami-conversation.ts'
import { isLoaded } from './asterisk-modules.ts'
import { readSections, valuesOf } from './asterisk-sections.ts'

/**
 * Shared lines of an extension: stations of sla.conf, whose `device` names the endpoint (apps/app_sla.c; before it was a
 * module of its own it was part of app_meetme). The station stays when the endpoint goes, and is the next owner's then.
 */
export async function readStations(session: AmiSession, extensions: readonly string[]): Promise<readonly Leftover[]> {
  if (!(await hasSharedLines(session))) return []
  const byDevice = new Map(extensions.map((extension) => [`pjsip/${extension}`, extension]))
  return (await readSections(session, 'sla.conf')).flatMap((section): Leftover[] => {
    if (!valuesOf(section, 'type').includes('station')) return []
    const devices = valuesOf(section, 'device').map((device) => byDevice.get(device.toLowerCase()))
    // `line1,ringdelay=5`
    const lines = valuesOf(section, 'trunk').map((trunk) => trunk.split(',')[0])
    const words = `sla.conf has a station ${shortLine(section.name)} with the shared lines ${shortLine(lines.join(', ')) || 'of nobody'}: remove it there and run asterisk -rx "module reload app_sla.so"`
    return devices.flatMap((extension) =>
      extension === undefined ? [] : [{ extension, kind: 'shared-line' as const, words, clearable: false }],
    )
  })
}

async function hasSharedLines(session: AmiSession): Promise<boolean> {
  for (const module of ['app_sla', 'app_meetme']) {
    if (await isLoaded(session, module)) return true
  }
  return false
}
