import { parseExtension } from '../domain/sip-account.ts'
import type { Call, PbxAccount, PbxAccountInForce, Registration } from './pbx-driver.ts'

/** What was found on a PBX, each thing beside the extension that it belongs to. */
export interface Found {
  /** Extensions of ours, also without a trace. */
  readonly known: Iterable<string>
  readonly registrations: readonly (Registration & Owned)[]
  readonly calls: readonly (Call & Owned)[]
}

type Owned = Pick<PbxAccount, 'extension'>
type Login = Pick<PbxAccountInForce, 'credentials' | 'policy'>

/**
 * One account for each extension, its parts in an order that stays: the same world reads the same. A registration or a
 * call outlives its account and is shown until it is gone; one of an extension of somebody else's too, since a leaver's old
 * account may have come back there.
 */
export function joinAccounts(found: Found, loginOf: (extension: string) => Login): PbxAccountInForce[] {
  const registrationsOf = Map.groupBy(found.registrations, ({ extension }) => extension)
  const callsOf = Map.groupBy(found.calls, ({ extension }) => extension)
  const known = new Set(found.known)
  const strays = [...registrationsOf.keys(), ...callsOf.keys()].filter(
    (extension) => !known.has(extension) && parseExtension(extension).ok,
  )
  return [...new Set([...known, ...strays])].sort().map((extension) => {
    const { credentials, policy } = loginOf(extension)
    return {
      extension,
      credentials: credentials.toSorted((one, other) => byId(one, other) || one.generation - other.generation),
      registrations: (registrationsOf.get(extension) ?? [])
        .map(({ id, contact, address, userAgent }) => ({ id, contact, address, userAgent }))
        .sort(byId),
      calls: (callsOf.get(extension) ?? []).map(({ id, address }) => ({ id, address })).sort(byId),
      policy,
    }
  })
}

function byId(one: { readonly id: string }, other: { readonly id: string }): number {
  return one.id < other.id ? -1 : one.id > other.id ? 1 : 0
}
