import type { Outliving } from '../../domain/outliving.ts'
import { parseExtension } from '../../domain/sip-account.ts'
import type { BookEntry } from '../account-book.ts'
import type { AmiSession } from '../asterisk/ami-conversation.ts'
import { asteriskOutliving, readLeftovers } from '../asterisk/asterisk-leftovers.ts'
import type { Leftover } from '../pbx-driver.ts'
import { readEndpoint } from './freepbx-endpoint.ts'

/** What stands in Asterisk's database, and the logins that FreePBX itself gives to the person behind an extension. */
export const freepbxOutliving: Outliving = { ...asteriskOutliving, 'other-login': 'read' }

/** The prefix that FreePBX puts before the number of a person's browser phone (FreePBX/webrtc, Webrtc.class.php). */
const webrtcPrefix = '99'

export async function readFreepbxLeftovers(
  session: AmiSession,
  book: ReadonlyMap<string, BookEntry>,
  extensions: readonly string[],
): Promise<readonly Leftover[]> {
  const found = [...(await readLeftovers(session, extensions))]
  for (const extension of extensions) {
    // The API shows nothing of it without rights that Ringfence does not ask for, so it is always a step.
    if (book.get(extension)?.origin === 'adopted') found.push(leftover(extension, userManager))
    const twin = `${webrtcPrefix}${extension}`
    // Where Ringfence has one of that number, it is somebody's extension.
    const isOurs = book.get(twin)?.credential != null
    if (!isOurs && parseExtension(twin).ok && (await readEndpoint(session, twin)) !== null)
      found.push(leftover(extension, browserPhone(extension, twin)))
  }
  return found
}

const userManager =
  "there may be a login of the person to FreePBX's pages (UCP), which the API does not show: look in Admin > User Manager, and delete it or set another password"

function browserPhone(extension: string, twin: string): string {
  return `there is an endpoint ${twin} with a password of its own, as FreePBX makes it for a phone in the browser (WebRTC) of ${extension}: unless it is somebody else's extension, switch WebRTC off for that login in Admin > User Manager (UCP)`
}

function leftover(extension: string, words: string): Leftover {
  return { extension, kind: 'other-login', words, clearable: false }
}
