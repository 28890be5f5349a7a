import type { NotifyAnswer, NotifyTarget } from '../pbx-driver.ts'
import { matcherOf } from '../source-address.ts'
import type { EventSocketSession } from './event-socket.ts'
import type { FreeswitchOptions } from './freeswitch-options.ts'
import { isSame, listRegistrations } from './freeswitch-state.ts'

const why = 'its registration has a name that FreeSWITCH cannot be told in one word'

/**
 * The event NOTIFY, which mod_sofia turns into one to the registration with that Call-ID (general_event_handler). Not
 * `check_sync`, which chooses the Event header itself by the make of the phone.
 */
export async function tellPhones(
  session: EventSocketSession,
  targets: readonly NotifyTarget[],
  { realm, profile }: Pick<FreeswitchOptions, 'realm' | 'profile'>,
): Promise<readonly NotifyAnswer[]> {
  const registrations = (await listRegistrations(session)).filter(({ host }) => isSame(host, realm))
  const answers: NotifyAnswer[] = []
  for (const target of targets) {
    const [told, passedOver]: [string[], string[]] = [[], []]
    for (const { extension, id, contact } of registrations.filter(matcherOf([target]))) {
      // Compared as it stands, so no Call-ID means anybody else; but it must stand in one line.
      if (!/^[!-~]{1,256}$/.test(id)) {
        passedOver.push(contact)
        continue
      }
      await session.sendEvent('NOTIFY', {
        profile,
        'event-string': target.event,
        'content-type': 'application/simple-message-summary',
        user: extension,
        host: realm,
        'call-id': id,
      })
      told.push(contact)
    }
    answers.push({ told, passedOver, ...(passedOver.length > 0 ? { why } : {}) })
  }
  return answers
}
