import type { Leftover } from '../pbx-driver.ts'
import type { Problem } from '../pbx-problem.ts'
import { type AmiMessage, type AmiSession, field } from './ami-conversation.ts'
import { isLoaded, reportingHint } from './asterisk-modules.ts'

/**
 * Voicemail boxes as far as the manager interface shows them (VoicemailUserStatus, apps/app_voicemail.c; class `call` or
 * `reporting`). It shows no PIN, so a box is always a step for a person. Looked for in the context `default`, where
 * FreePBX and most others have them.
 */
const context = 'default'

const modules = ['app_voicemail', 'app_voicemail_odbc', 'app_voicemail_imap']

/** Debian loads every module it has; the one that fails takes the actions of the other away with it, and neither reloads. */
const reloadHint =
  'most often a second voicemail module failed and took the action away: with `autoload=yes` put `noload => app_voicemail_odbc.so` and `noload => app_voicemail_imap.so` into modules.conf, and restart: asterisk -rx "core restart when convenient". Else Asterisk\'s log of its start says why'

export async function readMailboxes(session: AmiSession, extensions: readonly string[]): Promise<readonly Leftover[]> {
  const access = await accessToVoicemail(session)
  if (access === 'none') return []
  if (access !== 'open') {
    const words = `whether there is a voicemail box cannot be seen: ${access === 'forbidden' ? reportingHint : reloadHint}`
    return extensions.map((extension) => ({ extension, kind: 'voicemail-pin', words, clearable: false }))
  }
  const found = await Promise.all(
    extensions.map(async (extension) =>
      (await boxesOf(session, extension)).flatMap((box) => leftoversOf(extension, box)),
    ),
  )
  return found.flat()
}

/** A box: what stays the same while nobody changes it, in Asterisk's own names, and how many messages are in it. */
export interface Mailbox {
  readonly settings: ReadonlyMap<string, string>
  readonly messages: number
}

/** Null: no box, or none that can be seen. */
export async function readMailbox(session: AmiSession, extension: string): Promise<Mailbox | null> {
  if ((await accessToVoicemail(session)) !== 'open') return null
  const [box] = await boxesOf(session, extension)
  if (!box) return null
  const settings = new Map([...box].flatMap(([key, [value = '']]) => (options.has(key) ? [[key, value] as const] : [])))
  return { settings, messages: Number(field(box, 'NewMessageCount')) + Number(field(box, 'OldMessageCount')) }
}

/** As VoicemailUserEntry names them (apps/app_voicemail.c). */
const options = new Set([
  'vmcontext',
  'email',
  'pager',
  'serveremail',
  'fromstring',
  'mailcommand',
  'language',
  'timezone',
  'callback',
  'dialout',
  'exitcontext',
  'saydurationminimum',
  'sayenvelope',
  'saycid',
  'attachmessage',
  'attachmentformat',
  'deletemessage',
  'volumegain',
  'canreview',
  'canmarkurgent',
  'calloperator',
  'maxmessagecount',
  'maxmessagelength',
])

async function boxesOf(session: AmiSession, extension: string): Promise<readonly AmiMessage[]> {
  const action = { Action: 'VoicemailUserStatus', Context: context, Mailbox: extension }
  const boxes = await session.list(action, 'There is no voicemail user of the given info.')
  return boxes.filter((box) => field(box, 'VoiceMailbox') === extension)
}

/** For `doctor`: voicemail that Ringfence may not look at. */
export async function voicemailProblem(session: AmiSession): Promise<Problem[]> {
  const access = await accessToVoicemail(session)
  if (access === 'forbidden')
    return [{ message: 'the manager user may not look at voicemail boxes', hint: reportingHint }]
  if (access === 'unknown')
    return [
      {
        message: 'voicemail is loaded, but Asterisk does not know the action VoicemailUserStatus: boxes cannot be seen',
        hint: `${reloadHint}; until then look into voicemail.conf yourself when somebody leaves`,
      },
    ]
  return []
}

function leftoversOf(extension: string, box: AmiMessage): Leftover[] {
  const name = `${extension}@${context}`
  const [dialOut, callback] = [field(box, 'Dialout'), field(box, 'Callback')]
  const pin = `there is a voicemail box ${name}, whose PIN still opens it: change the PIN or remove the box (voicemail.conf, or where your boxes are kept)`
  const out = `from the voicemail box ${name} calls can be made (${dialOut ? 'dialout' : 'callback'} is set): take that out of its options`
  const mail = `messages of the voicemail box ${name} are mailed to an address: take it out, or set the next holder's`
  return [
    { extension, kind: 'voicemail-pin', words: pin, clearable: false },
    // A box without one says `(null)`.
    ...(field(box, 'Email').includes('@')
      ? [{ extension, kind: 'mail-address' as const, words: mail, clearable: false }]
      : []),
    ...(dialOut || callback ? [{ extension, kind: 'voicemail-dial-out' as const, words: out, clearable: false }] : []),
  ]
}

/** ListCommands names what this user may do; a module that is loaded has its commands all the same. */
async function accessToVoicemail(session: AmiSession): Promise<'none' | 'forbidden' | 'unknown' | 'open'> {
  const allowed = await session.act({ Action: 'ListCommands' })
  if (allowed.has('voicemailuserstatus')) return 'open'
  for (const module of modules) {
    if (await isLoaded(session, module)) return (await isUnknown(session)) ? 'unknown' : 'forbidden'
  }
  return 'none'
}

/** "Invalid/unknown command" in place of "Permission denied" (main/manager.c): that no right in manager.conf mends. */
async function isUnknown(session: AmiSession): Promise<boolean> {
  const answer = await session.ask({ Action: 'VoicemailUserStatus', Context: context, Mailbox: '0' })
  return /^invalid\/unknown command/i.test(field(answer, 'Message'))
}
