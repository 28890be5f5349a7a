import { AppError } from '../errors.ts'
import { path } from './api-client.ts'
import { type ExitCode, exitCodes } from './exit-codes.ts'
import { findPerson, printJson, type Session } from './session.ts'
import { safe } from './terminal.ts'

interface Wanted {
  readonly who: string
  /** Id of the handset; only needed where the person has several. */
  readonly handset?: string | undefined
  readonly platform: string
}

/** The file alone on standard output, so that `ringfence mobileconfig … > phone.mobileconfig` works. */
export async function mobileconfig(session: Session, { who, handset, platform }: Wanted): Promise<ExitCode> {
  const { handsets, tunnels, name } = await findPerson(session, who)
  const carriers = tunnels.flatMap(({ carrier }) => (carrier.kind === 'handset' ? [carrier.id] : []))
  const fitting = handsets.filter(
    ({ id, removedAt }) => removedAt === null && carriers.includes(id) && (handset === undefined || id === handset),
  )
  const [one, ...others] = fitting
  if (!one?.tunnelId || others.length > 0) {
    throw new AppError(
      'INVALID_INPUT',
      one ? `${name} has ${fitting.length} handsets with a tunnel of their own` : `${name} has no such handset`,
      { hint: '`ringfence show` lists them; give the id of one with a tunnel of its own' },
    )
  }
  const text = await session.client.read({
    method: 'GET',
    path: `${path`/tunnels/${one.tunnelId}/mobileconfig`}?platform=${encodeURIComponent(platform)}`,
  })
  if (session.json) printJson(session, { handset: one.id, platform, mobileconfig: text })
  else {
    session.terminal.err(
      `the tunnel of ${safe(one.model)} of ${safe(name)}, with its private key: keep it to your device management`,
    )
    session.terminal.rawOut(text)
  }
  return exitCodes.ok
}
