import { callClasses } from '../../domain/call-policy.ts'
import { AppError } from '../../errors.ts'
import type { PbxDescription } from '../pbx-driver.ts'
import { asProblem, type Problem } from '../pbx-problem.ts'
import type { EventSocketSession } from './event-socket.ts'
import type { FreeswitchDirectory } from './freeswitch-directory.ts'
import type { FreeswitchOptions } from './freeswitch-options.ts'
import { readContexts, readProduct, requireAsked } from './freeswitch-state.ts'

export async function describeFreeswitch(
  session: EventSocketSession,
  directory: FreeswitchDirectory,
  options: FreeswitchOptions,
): Promise<PbxDescription> {
  const product = await readProduct(session)
  const problems = await Promise.all([
    requireAsked(session, directory, options.realm).then(() => [], asProblem),
    profileProblem(session, options.profile),
    contextProblems(session, options),
  ])
  const password = options.eventSocket.password.reveal() === 'ClueCon' ? [knownPassword] : []
  return { product, problems: [...problems.flat(), ...password] }
}

/** conf/vanilla/autoload_configs/event_socket.conf.xml. */
const knownPassword: Problem = {
  message: "the password of FreeSWITCH's event socket is the one that everybody knows",
  hint: 'set another one in event_socket.conf.xml: whoever reaches that port owns the PBX',
}

async function profileProblem(session: EventSocketSession, profile: string): Promise<Problem[]> {
  const shown = await session.api(`sofia xmlstatus profile ${profile}`)
  if (shown.includes('<profile>')) return []
  return [{ message: `FreeSWITCH has no sofia profile ${profile}`, hint: '`sofia status` lists those that run' }]
}

async function contextProblems(session: EventSocketSession, options: FreeswitchOptions): Promise<Problem[]> {
  const { classContexts } = options
  if (classContexts === null) return []
  try {
    const found = await readContexts(session, options)
    const missing = callClasses.map((one) => `${classContexts}-${one}`).filter((name) => !found.has(name))
    if (missing.length === 0) return []
    const message = `the dialplan of FreeSWITCH has no context ${missing.join(', ')}: calls of these classes fail, emergency calls too`
    return [{ message, hint: 'docs/freeswitch.md shows them; then run `reloadxml`' }]
  } catch (error) {
    if (error instanceof AppError && error.code === 'PBX_UNREACHABLE') throw error
    return asProblem(error)
  }
}
