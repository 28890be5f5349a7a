/** What one PBX should hold, from the database: the complete credentials of some extensions. */

import type { SipCredentialSubject } from '../domain/access.ts'
import { digestHa1 } from '../domain/sip-account.ts'
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
  const accounts: PbxAccount[] = []
  for (const extension of extensions) {
    const assignment = (await store.find('assignment', { pbxId, extension, untilAt: null }))[0]
    const live = assignment ? await store.find('sipCredential', { assignmentId: assignment.id, closedAt: null }) : []
    const employee = assignment && (await store.get('employee', assignment.employeeId))
    const handsets = assignment ? await store.find('handset', { assignmentId: assignment.id, removedAt: null }) : []
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
    accounts.push({
      extension,
      displayName: employee?.name ?? extension,
      credentials,
      maxContacts: Math.min(handsets.length + 1, mostContacts),
    })
  }
  return accounts
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
