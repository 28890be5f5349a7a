import type { Secret } from '../../domain/secret.ts'
import { AppError } from '../../errors.ts'
import { withAmi } from '../asterisk/ami-connection.ts'
import type { AmiSession } from '../asterisk/ami-conversation.ts'
import { type Mailbox, readMailbox } from '../asterisk/asterisk-voicemail.ts'
import type { PbxAccount } from '../pbx-driver.ts'
import type { Change, Workshop } from './freepbx-changes.ts'
import { type EndpointSettings, readEndpoint, settingsLost } from './freepbx-endpoint.ts'
import {
  type FreepbxExtension,
  fetchExtension,
  lostSettings,
  nameOf,
  restoreUser,
  updateExtension,
} from './freepbx-extension.ts'
import { putStoredBack, readStored, type StoredSettings } from './freepbx-stored.ts'

/** An extension as it was before FreePBX deleted it and made it anew. */
export interface Snapshot {
  readonly extension: FreepbxExtension
  /** Null: the running Asterisk does not have it yet. */
  readonly endpoint: EndpointSettings | null
  readonly stored: StoredSettings
  /** Null: it has no mailbox, or none that can be seen. */
  readonly mailbox: Mailbox | null
}

/**
 * The snapshot is held until everything was compared, so that a try which fails on the way takes nothing with it: the
 * next one puts back what that one could not.
 */
export async function setPassword(
  { api, options, snapshots, signal }: Workshop,
  account: PbxAccount,
  { secret, rename }: { readonly secret: Secret; readonly rename: boolean },
): Promise<Pick<Change, 'before' | 'lost'>> {
  const { extension, maxContacts } = account
  const fetched = await fetchExtension(api, extension, signal)
  const isSet = fetched.user?.extPassword === secret.reveal() && !rename
  const held = snapshots.get(extension)
  if (isSet && !held) return { before: null, lost: [] }
  const inManager = <T>(work: (session: AmiSession) => Promise<T>) => withAmi(options.manager, signal, work)
  const before = held ?? (await inManager((session) => look(session, extension, fetched)))
  const leaves = account.credentials.length === 0
  // Held over a failure it would meet the next owner, and whoever leaves gets nothing back that sends calls on.
  snapshots.set(extension, leaves ? { ...before, stored: new Map() } : before)
  const name = nameOf(account)
  const { user, coreDevice } = before.extension
  const wanted = rename
    ? { ...before.extension, user: { ...user, name }, coreDevice: { ...coreDevice, description: name } }
    : before.extension
  if (!isSet) await updateExtension(api, wanted, { secret, maxContacts }, signal)
  const after = await fetchExtension(api, extension, signal)
  if (after.user?.extPassword !== secret.reveal()) {
    throw new AppError(
      'PBX_REFUSED',
      `FreePBX says that extension ${extension} was updated, and keeps the old password`,
      {
        hint: "see FreePBX's gql_api_error.log; the extension may have to be saved once by hand",
        retryable: true,
      },
    )
  }
  let lost = lostSettings(wanted, after)
  if (lost.length > 0) {
    await restoreUser(api, wanted, signal)
    lost = lostSettings(wanted, await fetchExtension(api, extension, signal))
  }
  if (leaves) return { before, lost }
  return {
    before,
    lost: [...lost, ...(await inManager((session) => putStoredBack(session, extension, before.stored)))],
  }
}

/** What each change took away for good, in words; empty when nothing. */
export async function describeLosses(
  { options, snapshots, signal }: Workshop,
  changes: readonly Change[],
): Promise<string[]> {
  const touched = changes.filter(({ before }) => before !== null)
  if (touched.length === 0) return []
  return withAmi(options.manager, signal, async (session) => {
    const words: string[] = []
    for (const { extension, before, lost, digest } of touched) {
      const all = [...lost, ...(await lossesIn(session, extension, before!))]
      if (all.length > 0) words.push(`extension ${extension}: ${all.join(', ')}`)
      if (digest !== null) snapshots.delete(extension)
    }
    return words
  })
}

async function look(session: AmiSession, extension: string, fetched: FreepbxExtension): Promise<Snapshot> {
  const [endpoint, stored, mailbox] = await Promise.all([
    readEndpoint(session, extension),
    readStored(session, extension),
    readMailbox(session, extension),
  ])
  return { extension: fetched, endpoint, stored, mailbox }
}

async function lossesIn(session: AmiSession, extension: string, { endpoint, mailbox }: Snapshot): Promise<string[]> {
  const running = endpoint && (await readEndpoint(session, extension))
  const ofEndpoint = endpoint && running ? settingsLost(endpoint, running) : []
  if (!mailbox) return ofEndpoint
  const box = await readMailbox(session, extension)
  const ofBox = settingsLost(mailbox.settings, box?.settings ?? new Map())
  // FreePBX removes the folder of the box (FreePBX/voicemail, Voicemail.class.php: removeMailbox).
  const messages = mailbox.messages > (box?.messages ?? 0) ? ['voicemail messages'] : []
  return [...ofEndpoint, ...ofBox.map((name) => `voicemail ${name}`), ...messages]
}
