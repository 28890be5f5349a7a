import { createHash } from 'node:crypto'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Secret } from '../../domain/secret.ts'
import { AppError } from '../../errors.ts'
import { notReached } from '../not-reached.ts'
import { type AmiSession, conversation, field, managerHint, unreachable } from './ami-conversation.ts'

/**
 * A small client of the Asterisk Manager Interface: lines of `Key: value`, an empty line ends a message
 * (docs.asterisk.org, "AMI v2 Specification"). One session per piece of work: connecting and logging in costs a few
 * milliseconds, and nothing has to notice, half an hour later, that Asterisk was restarted meanwhile.
 */
export interface AmiAddress {
  readonly host: string
  readonly port: number
  readonly username: string
  readonly secret: Secret
  /** Absent or null: plain TCP, for loopback or a network of its own. `ca` in PEM; without it the system's authorities. */
  readonly tls?: { readonly ca?: string } | null
  /** For each answer, default 10 000 ms. */
  readonly timeoutMs?: number
}

/**
 * Connects, logs in, runs `work`, logs off; the socket is closed on every way out.
 * @throws AppError PBX_UNREACHABLE (no connection, no answer in time, connection lost), PBX_REFUSED (login or action).
 */
export async function withAmi<T>(
  address: AmiAddress,
  signal: AbortSignal,
  work: (session: AmiSession) => Promise<T>,
): Promise<T> {
  if (signal.aborted) throw givenUp()
  const socket = await openSocket(address, signal)
  const line = conversation(socket, address.timeoutMs ?? 10_000)
  let greeted = false
  // A manager interface greets at once; a web server waits for us.
  const whyGivenUp = () => (greeted ? givenUp() : silent(address))
  const onAbort = () => line.fail(whyGivenUp())
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    const session = { ...line.session, banner: await line.banner }
    greeted = true
    await logIn(session, address)
    const result = await work(session)
    line.send('Action: Logoff\r\n\r\n')
    return result
  } catch (error) {
    // A wait that was broken off throws the signal's own error, which tells an admin nothing.
    throw signal.aborted && !(error instanceof AppError) ? whyGivenUp() : error
  } finally {
    signal.removeEventListener('abort', onAbort)
    line.fail(unreachable('the session with the PBX is over'))
    socket.end()
    socket.destroySoon()
  }
}

function openSocket(address: AmiAddress, signal: AbortSignal): Promise<Socket> {
  const where = `${address.host}:${address.port}`
  return new Promise((resolve, reject) => {
    const socket = address.tls
      ? connectTls({
          host: address.host,
          port: address.port,
          servername: '',
          ...(address.tls.ca === undefined ? {} : { ca: address.tls.ca }),
        })
      : connectTcp({ host: address.host, port: address.port })
    const give = (error: AppError) => {
      cleanUp()
      socket.destroy()
      reject(error)
    }
    // The code (ECONNREFUSED, ERR_TLS_CERT_ALTNAME_INVALID …) tells a closed port from a certificate that does not fit.
    const onError = (cause: NodeJS.ErrnoException) =>
      give(notReached({ name: `the manager interface of the PBX at ${where}`, hint: managerHint }, cause))
    const onAbort = () => give(givenUp())
    const onReady = () => {
      cleanUp()
      resolve(socket)
    }
    const timer = setTimeout(
      () => give(unreachable(`the manager interface of the PBX at ${where} did not answer in time`)),
      address.timeoutMs ?? 10_000,
    )
    const ready = address.tls ? 'secureConnect' : 'connect'
    function cleanUp() {
      clearTimeout(timer)
      socket.off('error', onError)
      socket.off(ready, onReady)
      signal.removeEventListener('abort', onAbort)
    }
    socket.on('error', onError)
    socket.on(ready, onReady)
    signal.addEventListener('abort', onAbort, { once: true })
  })
}

/** Challenge and response, so that the password itself never travels (AMI action Challenge, AuthType MD5). */
async function logIn(session: AmiSession, address: AmiAddress): Promise<void> {
  const challenge = field(await session.act({ Action: 'Challenge', AuthType: 'MD5' }), 'Challenge')
  const key = createHash('md5').update(challenge).update(address.secret.reveal()).digest('hex')
  const answer = await session.ask({
    Action: 'Login',
    AuthType: 'MD5',
    Username: address.username,
    Key: key,
    Events: 'off',
  })
  if (field(answer, 'Response') === 'Success') return
  throw new AppError('PBX_REFUSED', `the PBX refused the login of manager user ${JSON.stringify(address.username)}`, {
    hint: 'compare user, secret and permit lines in manager.conf with the settings, then run `module reload manager`',
    retryable: true,
  })
}

function silent({ host, port }: AmiAddress): AppError {
  return unreachable(`something answers at ${host}:${port} and does not greet as a manager interface does`)
}

function givenUp(): AppError {
  return unreachable('the request to the PBX was given up')
}
