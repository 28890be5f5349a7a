import type { SipCredentialSubject } from '../domain/access.ts'
import type { PbxState } from './pbx-driver.ts'
import { addressMatcher } from './source-address.ts'

/**
 * On our extensions only: other extensions of the PBX are the admin's own business. `subjects` are all that Ringfence
 * knows of this PBX, tombstones included.
 */
export function listStrangers(
  subjects: readonly SipCredentialSubject[],
  state: PbxState,
  { tellsAddresses = true }: { readonly tellsAddresses?: boolean } = {},
): readonly string[] {
  const ids = new Set(subjects.map(({ id }) => id))
  const byExtension = Map.groupBy(subjects, ({ extension }) => extension)
  const open = (extension: string) => (byExtension.get(extension) ?? []).filter(({ wanted }) => wanted === 'open')
  const { foreign, othersWaysIn = [] } = state
  const isForeign = new Set([...foreign, ...othersWaysIn.map(({ extension }) => extension)])
  const ours = state.accounts.filter(({ extension }) => byExtension.has(extension) || !isForeign.has(extension))
  const fromAccounts = ours.flatMap(({ extension, credentials, registrations }) => {
    const isKnown = addressMatcher((byExtension.get(extension) ?? []).flatMap(({ addresses }) => addresses))
    const unknownCredentials = credentials.filter(({ id }) => !ids.has(id))
    // Of a closed extension that is not somebody else's every registration is the closed phone's: its verdict tells of it.
    const unknownRegistrations =
      open(extension).length === 0 && !isForeign.has(extension)
        ? []
        : registrations.filter(({ address }) => (address === null ? tellsAddresses : !isKnown(address)))
    return [
      ...unknownCredentials.map(
        ({ id, generation }) =>
          `extension ${extension} on the PBX takes a credential that Ringfence does not know (${id}, generation ${generation})`,
      ),
      ...unknownRegistrations.map(
        ({ address, userAgent }) =>
          `a phone registered as extension ${extension} from ${address ?? 'an unknown address'}, which is none of its tunnels (${userAgent ?? 'no user agent'})`,
      ),
    ]
  })
  const fromOthers = [
    ...foreign.map((extension) => ({ extension, words: extension })),
    ...othersWaysIn.map(({ extension, words }) => ({ extension, words: `${extension} (${words})` })),
  ].flatMap(({ extension, words }) => {
    if (!byExtension.has(extension)) return []
    if (open(extension).length > 0) return [`on the PBX, somebody else's configuration touches our extension: ${words}`]
    return [`on the PBX, the extension of somebody who left is there again, not by Ringfence: ${words}`]
  })
  return [...fromAccounts, ...fromOthers]
}
