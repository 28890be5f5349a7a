/** The employee's browser makes the tunnel's key and tells us the public half; the configuration it gets has no private key. */
import { tokenHash } from '../domain/invite.ts'
import { parsePublicKey, type Tunnel } from '../domain/tunnel.ts'
import type { StoreWriter } from '../store/store.ts'
import { itself, type JourneyContext } from './context.ts'
import { isOpen, openInvite } from './open-invite.ts'
import { refused, takeToldKey, unlessRefused } from './told-key.ts'
import { configurationWithoutKey, tunnelsOfInvite } from './tunnel-hand-over.ts'

/** Null for every refusal alike; else the `.conf` without its line `PrivateKey`. */
export async function takeBrowserKey(
  context: JourneyContext,
  token: string,
  tunnelId: string,
  publicKey: string,
): Promise<string | null> {
  const invited = await openInvite(context, token)
  const key = parsePublicKey(publicKey)
  if (!invited || !key.ok) return null
  const { employee } = invited.access
  const shown = tunnelsOfInvite(invited.access, token).find(({ id }) => id === tunnelId)
  if (!shown) return null
  return unlessRefused(async () => {
    await takeToldKey(context, {
      employeeId: employee.id,
      publicKey: key.value,
      origin: 'browser',
      actor: itself,
      tunnel: (tx) => stillToldHere(context, tx, token, tunnelId),
    })
    return configurationWithoutKey(context, invited.access, shown)
  })
}

async function stillToldHere(context: JourneyContext, tx: StoreWriter, token: string, id: string): Promise<Tunnel> {
  const [invite] = await tx.find('invite', { tokenHash: tokenHash(token) })
  const employee = invite && (await tx.get('employee', invite.employeeId))
  if (!invite || !isOpen(invite, context.system.now()) || employee?.lifecycle !== 'active')
    throw refused('the invite is not open any more')
  const tunnel = await tx.get('tunnel', id)
  if (!tunnel || tunnel.closedAt !== null) throw refused('the tunnel was taken back')
  if (tunnel.keyOrigin === 'device') throw refused('the key of this tunnel is made by a router')
  return tunnel
}
