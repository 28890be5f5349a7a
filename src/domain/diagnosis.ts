/**
 * Why does this phone not work? Judged from what Ringfence itself saw, the surest cause first. Pure: the same facts give
 * the same answer, and nothing is said that no fact shows.
 */
import { type Cause, type Certainty, cause, type PhoneFacts } from './phone-facts.ts'
import { systemName } from './system-name.ts'
import { fetchCauses, tunnelCauses } from './unheard-phone.ts'

const dayMs = 86_400_000

export function causesOf(facts: PhoneFacts): readonly Cause[] {
  if (facts.removedAt !== null)
    return [
      cause(
        'certain',
        'it was taken back: nothing lets it in any more',
        `taken back at ${facts.removedAt}`,
        'hand out a handset anew; this one comes back as a new one with new keys',
      ),
    ]
  const found = [
    ...hubCauses(facts),
    ...doorCauses(facts),
    ...certificateCauses(facts),
    ...tunnelCauses(facts),
    ...fetchCauses(facts),
    ...doubtCauses(facts),
    ...freshnessCauses(facts),
  ]
  const order: readonly Certainty[] = ['certain', 'likely', 'possible']
  return found.toSorted((one, other) => order.indexOf(one.certainty) - order.indexOf(other.certainty))
}

function hubCauses({ hub, demo }: PhoneFacts): Cause[] {
  if (hub === null)
    return [
      cause(
        'likely',
        'the hub does not answer, so new tunnels do not open',
        'it could not be asked a moment ago',
        'look at the Hub page and at `ringfence doctor`',
      ),
    ]
  return [
    ...(hub.preview
      ? [
          cause(
            'certain',
            'this hub is a preview: it moves no packets',
            'the hub says so of itself',
            'install WireGuard on the host; `ringfence doctor` prints the command',
          ),
        ]
      : []),
    ...(demo.length === 0
      ? []
      : [
          cause(
            'likely',
            'demo mode: phones elsewhere cannot connect',
            demo.join('; '),
            'set these as docs/configuration.md says',
          ),
        ]),
  ]
}

function doorCauses({ doors }: PhoneFacts): Cause[] {
  return doors.flatMap(({ system, wanted, verdict, problem, hint, acknowledged }) => {
    if (wanted !== 'open' || verdict === 'converged' || acknowledged) return []
    const name = systemName(system)
    const seen = problem ?? 'no answer yet'
    if (verdict === 'waiting')
      return [
        cause('certain', `the ${name} waits for a person to do a step`, seen, hint ?? 'do the step, then tick it'),
      ]
    if (verdict === 'unverifiable')
      return [cause('possible', `whether the ${name} is open cannot be read back`, seen, hint ?? 'look there yourself')]
    return [cause('certain', `the ${name} is not open yet`, seen, hint ?? 'Ringfence tries again by itself')]
  })
}

function certificateCauses({ certificate, now }: PhoneFacts): Cause[] {
  if (certificate === null) return []
  const left = Date.parse(certificate.notAfter) - now.getTime()
  if (left <= 0)
    return [
      cause(
        'certain',
        'its certificate has run out, so the PBX refuses it',
        `good until ${certificate.notAfter}`,
        'replace the handset: a new one gets a new certificate',
      ),
    ]
  return now.getTime() - Date.parse(certificate.notBefore) < dayMs
    ? [
        cause(
          'possible',
          'its certificate is younger than a day: a phone whose clock is wrong takes it for not yet valid',
          `good from ${certificate.notBefore}`,
          'see that the phone has the right time; its file names the time server',
        ),
      ]
    : []
}

function doubtCauses({ doubts }: PhoneFacts): Cause[] {
  return doubts.map((doubt) =>
    cause(
      'likely',
      'it is not what was handed out, so its file may not fit',
      doubt,
      'take the handset back and hand out the model that it is, or bring its firmware up to date',
    ),
  )
}

function freshnessCauses({ staleSince, filesDiffer, fetches }: PhoneFacts): Cause[] {
  return [
    ...(staleSince === null
      ? []
      : [
          cause(
            'likely',
            'names or addresses of this installation changed after its files were handed out',
            `changed at ${staleSince}`,
            'make a new link for its holder',
          ),
        ]),
    ...(filesDiffer && staleSince === null
      ? [
          cause(
            'possible',
            'its file has changed since it last fetched one',
            fetches[0] ? `last fetch at ${fetches[0].at}` : 'it never asked the phone door',
            'tell it to fetch its file again (resync), or start it anew',
          ),
        ]
      : []),
  ]
}
