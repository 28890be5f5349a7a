import { randomBytes } from 'node:crypto'
import type { NotifyAnswer, NotifyTarget } from '../pbx-driver.ts'
import { matcherOf } from '../source-address.ts'
import { requireValidTarget } from '../valid-account.ts'
import { listConnections } from './kamailio-memory.ts'
import type { KamailioRpc } from './kamailio-rpc.ts'
import { listRegistrations, type RegistrationOnKamailio } from './kamailio-state.ts'

/**
 * One NOTIFY for each phone, sent to the address and port that it registered from, so that it goes over the connection
 * that the phone itself has open. Is that connection gone, the phone is not told: Kamailio would try to open one.
 *
 * `tm.t_uac_start` answers before the phone does; the command that waits would hold up the one reader of connections.
 */
export async function tellPhones(
  rpc: KamailioRpc,
  realm: string,
  targets: readonly NotifyTarget[],
  signal: AbortSignal,
): Promise<readonly NotifyAnswer[]> {
  for (const target of targets) requireValidTarget(target)
  const [registrations, connections] = await Promise.all([listRegistrations(rpc, signal), listConnections(rpc, signal)])
  const open = new Set(connections.filter(({ state }) => state === 'CONN_OK').map(({ id }) => id))
  const answers: NotifyAnswer[] = []
  for (const target of targets) {
    const found = registrations.filter(matcherOf([target]))
    const reachable = found.filter(({ connection }) => open.has(connection))
    for (const registration of reachable) await notify(rpc, realm, registration, target.event, signal)
    const passedOver = found.filter((one) => !reachable.includes(one)).map(({ contact }) => contact)
    answers.push({
      told: reachable.map(({ contact }) => contact),
      passedOver,
      ...(passedOver.length > 0 ? { why: 'the connection that it registered over is gone' } : {}),
    })
  }
  return answers
}

async function notify(
  rpc: KamailioRpc,
  realm: string,
  { extension, contact, received, socket }: RegistrationOnKamailio,
  event: string,
  signal: AbortSignal,
): Promise<void> {
  const headers = [
    `From: <sip:ringfence@${realm}>;tag=${randomBytes(6).toString('hex')}`,
    `To: <sip:${extension}@${realm}>`,
    `Event: ${event}`,
    'Subscription-State: active',
  ]
  const text = headers.map((line) => `${line}\r\n`).join('')
  await rpc.call('tm.t_uac_start', ['NOTIFY', contact, received, socket, text, ''], signal)
}
