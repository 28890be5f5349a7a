/** What one PBX should hold, from the database: the complete credentials of some extensions. */

import type { SipCredentialSubject } from '../domain/access.ts'
import { type CallPolicy, storedPolicy } from '../domain/call-policy.ts'
import { digestHa1, type SipCredential } from '../domain/sip-account.ts'
import type { PbxAccount, PbxCredential } from '../pbx/pbx-driver.ts'
import type { JourneyContext } from './context.ts'

/** More than a PBX takes for one extension; more than one person has phones. */
const mostContacts = 20

type AccountsContext = Pick<JourneyContext, 'store' | 'vault'>

/** Every live credential of these extensions, unsealed. An extension that nobody holds comes with none. */
export async function accountsOf(
  { store, vault }: AccountsContext,
  pbxId: string,
  extensions: readonly string[],
): Promise<readonly PbxAccount[]> {
  const known = await held(store, pbxId, extensions)
  return extensions.map((extension): PbxAccount => {
    const { displayName, live, handsetCount, adopted, policy } = known(extension)
    const credentials = live.flatMap((credential): PbxCredential[] =>
      credential.secretSealed === null
        ? []
        : [
            {
              id: credential.id,
              generation: credential.generation,
              username: credential.username,
              secret: vault.open(credential.secretSealed, `sip:${credential.id}:${credential.generation}`),
            },
          ],
    )
    // One more than the handsets: a phone that changes its network registers anew before the old contact runs out.
    const maxContacts = Math.min(handsetCount + 1, mostContacts)
    return { extension, displayName, credentials, maxContacts, policy, adopted }
  })
}

interface Held {
  readonly displayName: string
  readonly live: readonly SipCredential[]
  readonly handsetCount: number
  /** The extension was there before, and an admin had it taken over. */
  readonly adopted: boolean
  readonly policy: CallPolicy | null
}

// Above this many it is cheaper to read all and pick.
const mostOneByOne = 100

/** What is known of each of these extensions. */
async function held(
  store: JourneyContext['store'],
  pbxId: string,
  extensions: readonly string[],
): Promise<(extension: string) => Held> {
  if (extensions.length > mostOneByOne) return everythingHeld(store, pbxId)
  const found = new Map<string, Held>()
  for (const extension of extensions) {
    const assignment = (await store.find('assignment', { pbxId, extension, untilAt: null }))[0]
    if (!assignment) continue
    const handsets = await store.find('handset', { assignmentId: assignment.id, removedAt: null })
    found.set(extension, {
      displayName: (await store.get('employee', assignment.employeeId))?.name ?? extension,
      live: await store.find('sipCredential', { assignmentId: assignment.id, closedAt: null }),
      handsetCount: handsets.length,
      adopted: assignment.adoptedAt !== null,
      policy: storedPolicy(assignment.callPolicy),
    })
  }
  return (extension) => found.get(extension) ?? nobody(extension)
}

async function everythingHeld(store: JourneyContext['store'], pbxId: string): Promise<(extension: string) => Held> {
  const assignments = await store.find('assignment', { pbxId, untilAt: null })
  const credentials = Map.groupBy(await store.find('sipCredential', { closedAt: null }), (row) => row.assignmentId)
  const handsets = Map.groupBy(await store.find('handset', { removedAt: null }), (row) => row.assignmentId)
  const names = new Map((await store.find('employee', { lifecycle: 'active' })).map(({ id, name }) => [id, name]))
  const byExtension = new Map(assignments.map((assignment) => [assignment.extension, assignment]))
  return (extension) => {
    const assignment = byExtension.get(extension)
    if (!assignment) return nobody(extension)
    return {
      displayName: names.get(assignment.employeeId) ?? extension,
      live: credentials.get(assignment.id) ?? [],
      handsetCount: handsets.get(assignment.id)?.length ?? 0,
      adopted: assignment.adoptedAt !== null,
      policy: storedPolicy(assignment.callPolicy),
    }
  }
}

/** Which of these extensions somebody holds, with a phone or without one. */
export async function heldNow(
  { store }: Pick<AccountsContext, 'store'>,
  pbxId: string,
  extensions: readonly string[],
): Promise<ReadonlySet<string>> {
  const isFew = extensions.length <= mostOneByOne
  const asked = isFew ? extensions.map((extension) => ({ extension })) : [{}]
  const rows = await Promise.all(asked.map((one) => store.find('assignment', { pbxId, untilAt: null, ...one })))
  return new Set(rows.flat().map(({ extension }) => extension))
}

function nobody(extension: string): Held {
  return { displayName: extension, live: [], handsetCount: 0, adopted: false, policy: null }
}

/** The digest that the PBX must show for this credential; null when its secret is not known any more. */
export function digestOf(
  vault: JourneyContext['vault'],
  realm: string | null,
  subject: SipCredentialSubject,
): string | null {
  if (subject.secretSealed === null || realm === null) return null
  return digestHa1(subject.username, realm, vault.open(subject.secretSealed, `sip:${subject.id}:${subject.generation}`))
}
