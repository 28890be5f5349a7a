import { connect } from 'node:net'
import type { PbxDescription } from '../pbx-driver.ts'
import type { Problem } from '../pbx-problem.ts'
import type { TlsPorts } from '../tls-ports.ts'
import type { AccountWriter } from './account-writer.ts'
import { withAmi } from './ami-connection.ts'
import type { AmiSession } from './ami-conversation.ts'
import { moduleProblem } from './asterisk-modules.ts'
import type { AsteriskOptions } from './asterisk-options.ts'
import { sharedPinsProblem } from './asterisk-shared-pins.ts'
import { readProduct } from './asterisk-state.ts'
import { voicemailProblem } from './asterisk-voicemail.ts'

/** What Ringfence asks of the manager user wherever the accounts are kept. `write = system` in manager.conf grants all of it (tried with 22.10.1). */
const neededActions = [
  'PJSIPShowEndpoint',
  'PJSIPShowEndpoints',
  'PJSIPShowAuths',
  'PJSIPShowContacts',
  'Status',
  'DBDel',
  'DBGet',
  'DBPut',
  'Hangup',
  'CoreSettings',
  'ModuleCheck',
  'GetConfig',
]

const neededModules: Readonly<Record<string, string>> = {
  res_pjsip: 'no phone can register',
  chan_pjsip: 'no phone can call',
  res_pjsip_registrar: 'no phone can register',
  res_pjsip_authenticator_digest: 'no phone can log in',
  res_pjsip_endpoint_identifier_user: 'phones are not told apart by their extension',
  res_pjsip_nat: 'the source address of a phone is not seen',
  res_pjsip_notify:
    'no phone is told to fetch a changed file before its next poll (it needs a pjsip_notify.conf, an empty one will do)',
  res_rtp_asterisk: 'calls have no sound',
  res_srtp: 'calls cannot be encrypted, so they fail',
}

export function describeAsterisk(
  options: Pick<AsteriskOptions, 'manager' | 'transports'>,
  writer: Pick<AccountWriter, 'managerActions' | 'problems'>,
  signal: AbortSignal,
): Promise<PbxDescription> {
  return withAmi(options.manager, signal, async (session) => {
    const missing = await forbiddenActions(session, [...neededActions, ...writer.managerActions])
    if (missing.length > 0) {
      const message = `the manager user may not ${missing.join(', ')}`
      return { product: 'Asterisk', problems: [{ message, hint: 'set `write = system` for it in manager.conf' }] }
    }
    const product = await readProduct(session)
    const [modules, ofAccounts, ports] = await Promise.all([
      Promise.all(Object.entries(neededModules).map(([module, effect]) => moduleProblem(session, module, effect))),
      Promise.all([writer.problems(session, signal), voicemailProblem(session), sharedPinsProblem(session)]).then(
        (found) => found.flat(),
      ),
      Promise.all(options.transports ? transportChecks(options.transports, signal) : []),
    ])
    return {
      product,
      problems: [versionProblem(product), ...modules, ...ofAccounts, ...ports].filter((problem) => problem !== null),
    }
  })
}

/** ListCommands names only what this user may do (main/manager.c). */
async function forbiddenActions(session: AmiSession, needed: readonly string[]): Promise<string[]> {
  const allowed = await session.act({ Action: 'ListCommands' })
  return needed.filter((action) => !allowed.has(action.toLowerCase()))
}

function versionProblem(product: string): Problem | null {
  const major = /^Asterisk (?:certified[/-])?([0-9]+)\./.exec(product)?.[1]
  if (major === undefined || Number(major) >= 22) return null
  // password_digest is in 20.12, 21.7 and 22.2 too; what we test is 22.
  return {
    message: `${product} is older than 22`,
    hint: 'upgrade to Asterisk 22 (long-term support): older ones do not know password_digest or were not tested',
  }
}

function transportChecks(transports: TlsPorts, signal: AbortSignal): Promise<Problem | null>[] {
  return [transports.port, transports.mtlsPort].map((port) => transportProblem(transports.bindAddress, port, signal))
}

/** The manager interface has no list of transports; whether one listens is what matters anyway. */
function transportProblem(bindAddress: string, port: number, signal: AbortSignal): Promise<Problem | null> {
  const host = bindAddress === '0.0.0.0' ? '127.0.0.1' : bindAddress === '::' ? '::1' : bindAddress
  return new Promise((resolve) => {
    const socket = connect({ host, port, signal })
    const tell = (problem: Problem | null) => {
      socket.destroy()
      resolve(problem)
    }
    socket.setTimeout(2000, () => tell(silent))
    socket.on('connect', () => tell(null))
    socket.on('error', () => tell(silent))
    const silent = {
      message: `no TLS transport answers at ${host}:${port}`,
      hint: 'check that Asterisk may read certificate, key and authority files (its log says so), and that no other program has the port; a new transport starts with a reload, a changed one with a restart',
    }
  })
}
