import { AppError } from '../../../errors.ts'
import { withEventSocket } from '../event-socket.ts'
import type { EventSocketAddress } from '../freeswitch-options.ts'

/**
 * Makes a sofia profile read its parameters anew. FreeSWITCH hangs up every call of the profile for that, and says no to a
 * profile that is not up for ten seconds yet (cmd_profile in mod_sofia.c). That it began is all that its answer says.
 */
export async function restartProfile(address: EventSocketAddress, profile: string, signal: AbortSignal): Promise<void> {
  const reply = await withEventSocket(address, signal, (session) => session.api(`sofia profile ${profile} restart`))
  if (reply.includes(`restarting: ${profile}`)) return
  throw new AppError(
    'PBX_REFUSED',
    `FreeSWITCH did not restart sofia profile ${profile}: ${reply.trim().slice(0, 200)}`,
    {
      hint: 'Ringfence tries again; `sofia status` lists the profiles that run',
      retryable: true,
    },
  )
}
