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
  const fromAccounts = state.accounts.flatMap(({ extension, credentials, registrations }) => {
    const isKnown = addressMatcher((byExtension.get(extension) ?? []).flatMap(({ addresses }) => addresses))
    const unknownCredentials = credentials.filter(({ id }) => !ids.has(id))
    // Of a closed extension every registration is the closed phone's, and its verdict tells of it.
    const unknownRegistrations =
      open(extension).length === 0
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
  const fromOthers = state.foreign.flatMap((name) =>
    open(name.split(' ')[0] ?? '').length > 0
      ? [`on the PBX, somebody else's configuration touches our extension: ${name}`]
      : [],
  )
  return [...fromAccounts, ...fromOthers]
}
