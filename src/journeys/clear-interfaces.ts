import { isLoopback } from '../domain/address.ts'
import type { KnownPbx } from './known-pbx.ts'

type Interfaces = Pick<KnownPbx['settings'], 'asterisk' | 'freepbx' | 'freeswitch'>

/** Interfaces of a PBX that carry digests and commands over the network as they are. */
export function clearInterfaces({ asterisk, freepbx, freeswitch }: Interfaces): { message: string; hint: string }[] {
  const manager = asterisk ?? freepbx
  const found = [
    manager && !manager.amiTls
      ? {
          what: 'manager interface',
          host: manager.ami.host,
          hint: 'set RINGFENCE_PBX_AMI_TLS=yes, or tunnel it: digests and commands pass over it',
        }
      : null,
    freeswitch && {
      what: 'event socket',
      host: freeswitch.eventSocket.host,
      hint: 'it has no TLS: tunnel it and name the near end in RINGFENCE_PBX_ESL, for its password and commands pass over it',
    },
  ]
  return found
    .filter((one) => one !== null)
    .filter(({ host }) => !isLoopback(host))
    .map(({ what, host, hint }) => ({ message: `the ${what} at ${host} is spoken to in clear`, hint }))
}
