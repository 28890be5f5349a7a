import { connect } from 'node:tls'
import { readIfThere } from '../../durable-file.ts'
import type { Problem } from '../pbx-problem.ts'
import { type EdgeOptions, socketText } from './edge-options.ts'

/** For a handshake on the same network. */
const patienceMs = 3_000

/**
 * What the edge sees when it dials the PBX, seen from here: whether the authority that it was told is behind the certificate,
 * and no name, as Kamailio does. Null for a good one, and where that cannot be told: nobody answers here, which the PBX's
 * own lines say, or the file of the authority is on the edge's machine alone.
 */
export async function pbxCertificateProblem(
  { address, port, authorityFile }: EdgeOptions['pbx'],
  signal: AbortSignal,
): Promise<Problem | null> {
  const authority = authorityFile === null ? null : await readIfThere(authorityFile).catch(() => null)
  if (authority === null) return null
  const reason = await distrust({ host: address, port, ca: authority }, signal)
  if (reason === null) return null
  return {
    message: `the PBX at ${socketText(address, port)} shows a certificate that the edge does not take (${reason}): no phone registers or calls`,
    hint: `see who answers there; if it is the PBX, give it a certificate of the authority in ${authorityFile}, or name its own in RINGFENCE_EDGE_PBX_CA_FILE`,
  }
}

/** OpenSSL's word for what is wrong with the certificate that is shown; null for nothing, and where none was shown. */
function distrust(place: { host: string; port: number; ca: Buffer }, signal: AbortSignal): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect({ ...place, rejectUnauthorized: false, checkServerIdentity: () => undefined })
    const end = (reason: string | null) => {
      signal.removeEventListener('abort', giveUp)
      socket.destroy()
      resolve(reason)
    }
    const giveUp = () => end(null)
    socket.setTimeout(patienceMs, giveUp)
    socket.once('error', giveUp)
    socket.once('close', giveUp)
    signal.addEventListener('abort', giveUp, { once: true })
    if (signal.aborted) return giveUp()
    socket.once('secureConnect', () => {
      // Its type says Error, and Node gives the code.
      const reason: unknown = socket.authorizationError
      end(socket.authorized ? null : reason instanceof Error ? reason.message : String(reason))
    })
  })
}
