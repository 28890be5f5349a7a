import { type AmiSession, field } from '../asterisk/ami-conversation.ts'

/**
 * What FreePBX keeps of one extension in Asterisk's own database, and nowhere else that its API reaches. Its
 * `updateExtension` deletes the whole of `AMPUSER/<extension>` and writes the defaults again (FreePBX/core,
 * Core.class.php: delUser, addUser). Forwards and do not disturb stay, as its modules are today; they are looked at all
 * the same, since losing one is as bad.
 */
export type StoredSettings = ReadonlyMap<string, string>

const single = ['CF', 'CFB', 'CFU', 'DND'] as const

/** These stand in FreePBX's tables too, where the API puts them back, or are the account's own. */
const ofTheApi = new Set(['cidname', 'device', 'voicemail', 'password', 'noanswer', 'recording', 'outboundcid'])

/** Named as the admin knows it: the list of numbers has many keys. */
const followMe = 'followme'

/** By `Family/Key`, each in full. */
export async function readStored(session: AmiSession, extension: string): Promise<StoredSettings> {
  const own = `/AMPUSER/${extension}/`
  const [tree, ...alone] = await Promise.all([
    // An Asterisk before 16.28 does not know the action.
    session.list({ Action: 'DBGetTree', Family: 'AMPUSER', Key: extension }, 'Invalid/unknown command'),
    ...single.map((Family) => session.list({ Action: 'DBGet', Family, Key: extension }, 'Database entry not found')),
  ])
  const stored = new Map<string, string>()
  for (const entry of tree) {
    const key = field(entry, 'Key')
    if (key.startsWith(own) && !ofTheApi.has(key.slice(own.length))) stored.set(key.slice(1), field(entry, 'Val'))
  }
  for (const [index, entries] of alone.entries()) {
    if (entries[0]) stored.set(`${single[index]}/${extension}`, field(entries[0], 'Val'))
  }
  return stored
}

/** Puts back what is gone or another one; what it could not is in the answer, by name. */
export async function putStoredBack(session: AmiSession, extension: string, before: StoredSettings): Promise<string[]> {
  const found = await readStored(session, extension)
  const isOfFollowMe = (key: string) => key.startsWith(`AMPUSER/${extension}/${followMe}/`)
  // It needs a row in a table as well; where FreePBX made that anew, it wrote the keys, too.
  const hasFollowMe = [...found.keys()].some(isOfFollowMe)
  const lost = differing(before, found)
  for (const key of lost) {
    if (isOfFollowMe(key) && !hasFollowMe) continue
    const [Family = '', ...rest] = key.split('/')
    await session.act({ Action: 'DBPut', Family, Key: rest.join('/'), Val: before.get(key) ?? '' })
  }
  const left = lost.length === 0 ? [] : differing(before, await readStored(session, extension))
  return [...new Set(left.map((key) => (isOfFollowMe(key) ? 'follow-me' : key.replace(`AMPUSER/${extension}/`, ''))))]
}

/** What FreePBX wrote beside it is a default of its own. */
function differing(before: StoredSettings, after: StoredSettings): string[] {
  return [...before].flatMap(([key, value]) => (after.get(key) === value ? [] : [key]))
}
