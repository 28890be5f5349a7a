import { isLoopback } from '../domain/address.ts'
import type { KnownPbx } from './known-pbx.ts'

type Interfaces = Pick<KnownPbx['settings'], 'driven'>

/** The event socket knows no TLS: off this machine it carries its password over the network as it is. */
export function clearInterfaces({ driven }: Interfaces): { message: string; hint: string }[] {
  if (driven.kind !== 'freeswitch') return []
  const { host } = driven.eventSocket
  if (isLoopback(host)) return []
  return [
    {
      message: `the event socket at ${host} is spoken to in clear`,
      hint: 'it has no TLS: tunnel it and name the near end in RINGFENCE_PBX_ESL, for its password and commands pass over it',
    },
  ]
}
