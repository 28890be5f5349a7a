import type { Outliving } from '../../domain/outliving.ts'
import { parseExtension } from '../../domain/sip-account.ts'
import { AppError } from '../../errors.ts'
import type { Leftover } from '../pbx-driver.ts'
import { shortLine } from '../short-line.ts'
import { type AmiSession, field } from './ami-conversation.ts'
import { actUnlessGone } from './asterisk-deed.ts'
import { readLocator } from './asterisk-locator.ts'
import { readSections } from './asterisk-sections.ts'
import { readStations } from './asterisk-stations.ts'
import { readMailboxes } from './asterisk-voicemail.ts'

/**
 * What goes on acting for an extension in Asterisk's own database, under the names that FreePBX's dialplan reads and many
 * others have taken over: `CF`, `CFB`, `CFU` (FreePBX/callforward, Callforward.class.php), `DND` (FreePBX/donotdisturb,
 * Donotdisturb.class.php: anything that is not empty) and `AMPUSER/<extension>/followme/ddial` (FreePBX/findmefollow,
 * Findmefollow.class.php: anything but EXTENSION is on). A dialplan with names of its own is not seen. Every key is named in full, so 100 is never 1001.
 */
const forwards: Readonly<Record<string, string>> = {
  CF: 'calls are forwarded to',
  CFB: 'when busy, calls are forwarded to',
  CFU: 'when nobody answers, calls are forwarded to',
}

const doNotDisturb = 'DND'

const followMe = { Family: 'AMPUSER', off: 'EXTENSION' }

/** What stands in `AMPUSER` and what Ringfence looks at is the same under FreePBX. */
export const asteriskOutliving: Outliving = {
  'call-forward': 'cleared',
  'follow-me': 'cleared',
  'do-not-disturb': 'cleared',
  'voicemail-pin': 'read',
  'voicemail-dial-out': 'read',
  'mail-address': 'read',
  'mobile-number': 'none',
  'shared-line': 'read',
  'other-login': 'none',
  disa: 'read',
  'conference-pin': 'read',
  'outside-line-pin': 'read',
}

export async function readLeftovers(session: AmiSession, extensions: readonly string[]): Promise<readonly Leftover[]> {
  requireExtensions(extensions)
  const [mailboxes, stations, profiles] = await Promise.all([
    readMailboxes(session, extensions),
    readStations(session, extensions),
    readProfiles(session, extensions),
  ])
  const found = await Promise.all(extensions.map((extension) => leftoversOf(session, extension)))
  return [...found.flat(), ...profiles, ...stations, ...mailboxes]
}

/** What only a person can clear stays. */
export async function clearLeftovers(session: AmiSession, extensions: readonly string[]): Promise<void> {
  requireExtensions(extensions)
  for (const extension of extensions) {
    for (const Family of [...Object.keys(forwards), doNotDisturb]) {
      await actUnlessGone(session, { Action: 'DBDel', Family, Key: extension })
    }
    if (await followsElsewhere(session, extension)) {
      // FreePBX's own way of switching it off; its list of numbers stays for whoever looks after it there.
      await session.act({ Action: 'DBPut', Family: followMe.Family, Key: followMeKey(extension), Val: followMe.off })
    }
  }
}

async function leftoversOf(session: AmiSession, extension: string): Promise<readonly Leftover[]> {
  const found: Leftover[] = []
  for (const [family, words] of Object.entries(forwards)) {
    const target = await storedValue(session, family, extension)
    if (target) found.push({ extension, kind: 'call-forward', words: `${words} ${shortLine(target)}`, clearable: true })
  }
  if (await followsElsewhere(session, extension)) {
    const numbers = await storedValue(session, followMe.Family, `${extension}/followme/grplist`)
    const words = `calls also ring elsewhere (follow-me${numbers ? `: ${shortLine(numbers)}` : ''})`
    found.push({ extension, kind: 'follow-me', words, clearable: true })
  }
  if (await storedValue(session, doNotDisturb, extension)) {
    found.push({ extension, kind: 'do-not-disturb', words: 'do not disturb is on: no call rings', clearable: true })
  }
  return [...found, ...(await readLocator(extension, (family, key) => storedValue(session, family, key)))]
}

/** One answer for all. */
async function readProfiles(session: AmiSession, extensions: readonly string[]): Promise<readonly Leftover[]> {
  const profiles = new Set((await readSections(session, 'followme.conf')).map(({ name }) => name))
  return extensions
    .filter((extension) => profiles.has(extension))
    .map((extension) => {
      const words = `followme.conf has a profile ${extension}: remove it there and run asterisk -rx "module reload app_followme.so"`
      return { extension, kind: 'follow-me', words, clearable: false }
    })
}

async function followsElsewhere(session: AmiSession, extension: string): Promise<boolean> {
  const value = (await storedValue(session, followMe.Family, followMeKey(extension))).trim()
  return value !== '' && value !== followMe.off
}

function followMeKey(extension: string): string {
  return `${extension}/followme/ddial`
}

async function storedValue(session: AmiSession, Family: string, Key: string): Promise<string> {
  const events = await session.list({ Action: 'DBGet', Family, Key }, 'Database entry not found')
  return events.map((event) => field(event, 'Val'))[0] ?? ''
}

function requireExtensions(extensions: readonly string[]): void {
  const odd = extensions.find((extension) => !parseExtension(extension).ok || extension !== extension.trim())
  if (odd !== undefined) throw new AppError('INVALID_INPUT', `${JSON.stringify(odd.slice(0, 40))} is no extension`)
}
