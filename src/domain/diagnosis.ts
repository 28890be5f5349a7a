/**
 * Why does this phone not work? Judged from what Ringfence itself saw, the surest cause first. Pure: the same facts give
 * the same answer, and nothing is said that no fact shows.
 */
import type { Wanted } from './access.ts'
import type { VerdictState } from './condition.ts'

export interface PhoneFacts {
  readonly now: Date
  readonly createdAt: string
  readonly enrolledAt: string | null
  readonly removedAt: string | null
  /** Until when its holder's link works; null: it was closed, or there is none. */
  readonly linkUntil: string | null
  /** Fetches of this handset, newest first. */
  readonly fetches: readonly FetchFact[]
  /** When its holder last opened the link's page; null: never. */
  readonly linkOpenedAt: string | null
  readonly tunnel: TunnelFacts | null
  readonly doors: readonly DoorFact[]
  /** Where what it says of itself does not fit what was handed out. */
  readonly doubts: readonly string[]
  readonly certificate: { readonly notBefore: string; readonly notAfter: string } | null
  /** When names or addresses changed since its files were handed out. */
  readonly staleSince: string | null
  /** The next fetch would give another file. */
  readonly filesDiffer: boolean
  /** Null: it could not be asked. */
  readonly hub: { readonly preview: boolean } | null
  readonly demo: readonly string[]
}

export interface FetchFact {
  readonly at: string
  readonly outcome: string
  readonly reason: string
  readonly remoteAddress: string
}

export interface TunnelFacts {
  readonly hasKey: boolean
  /** The router makes it and tells it. */
  readonly madeByRouter: boolean
  readonly firstHandshakeAt: string | null
  readonly lastHandshakeAt: string | null
  /** A new key waits for its first handshake. */
  readonly replacementWaits: boolean
  /** It hangs on a home gateway. */
  readonly throughGateway: boolean
}

export interface DoorFact {
  readonly system: string
  readonly wanted: Wanted
  readonly verdict: VerdictState
  readonly problem: string | null
  readonly hint: string | null
  readonly acknowledged: boolean
}

export type Certainty = 'certain' | 'likely' | 'possible'

/** Sentences without first capital and full stop. */
export interface Cause {
  readonly certainty: Certainty
  readonly what: string
  /** What was seen, and when; times as ISO text. */
  readonly seen: string
  readonly todo: string
}

const minuteMs = 60_000
const dayMs = 86_400_000
/** WireGuard shakes hands every two minutes while something is sent (REKEY_AFTER_TIME), and gives up after three. */
const silentMs = 3 * minuteMs

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

/** Heard within the last minutes. */
export function isHeard({ tunnel, now }: Pick<PhoneFacts, 'tunnel' | 'now'>): boolean {
  const at = tunnel?.lastHandshakeAt ?? null
  return at !== null && now.getTime() - Date.parse(at) <= silentMs
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
    ...demo.map((reason) =>
      cause('likely', 'demo mode: phones elsewhere cannot connect', reason, 'set it as docs/configuration.md says'),
    ),
  ]
}

const doorNames: Readonly<Record<string, string>> = { 'sip-account': 'SIP account', 'phone-door': 'phone door' }

function doorCauses({ doors }: PhoneFacts): Cause[] {
  return doors.flatMap(({ system, wanted, verdict, problem, hint, acknowledged }) => {
    if (wanted !== 'open' || verdict === 'converged' || acknowledged) return []
    const name = doorNames[system] ?? system
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

function tunnelCauses(facts: PhoneFacts): Cause[] {
  const { tunnel, now, linkUntil, linkOpenedAt } = facts
  if (tunnel === null) return []
  const linkIsOver = linkUntil === null || Date.parse(linkUntil) <= now.getTime()
  if (!tunnel.hasKey)
    return [
      tunnel.madeByRouter
        ? cause(
            'certain',
            'the router of the home gateway has not told its key',
            'no key is known for its tunnel',
            'run the script on the router, or read its public key there and type it in',
          )
        : cause(
            'certain',
            'its tunnel has no key: the link was not used in time',
            linkUntil === null ? 'the link is closed' : `the link worked until ${linkUntil}`,
            'make a new link',
          ),
    ]
  const carrier = tunnel.throughGateway ? 'the home gateway' : 'the device'
  if (tunnel.firstHandshakeAt === null) return [neverHeard(facts, linkIsOver, carrier)]
  if (isHeard(facts)) return []
  const waiting = tunnel.replacementWaits
    ? [
        cause(
          'possible',
          'a new link was made and its tunnel is not set up yet; until then the old one should go on',
          'a new key waits for its first handshake',
          `set the tunnel up from the new link${linkOpenedAt === null ? '' : ', which was opened already'}`,
        ),
      ]
    : []
  return [
    cause(
      'likely',
      `the tunnel is silent: ${carrier} is off, without Internet, or in a network that lets no UDP out`,
      `last heard at ${tunnel.lastHandshakeAt}`,
      tunnel.throughGateway
        ? 'see that the gateway has power and Internet; start it anew'
        : 'see that the WireGuard app is switched on, and try another network, such as the mobile one',
    ),
    ...waiting,
  ]
}

function neverHeard({ linkOpenedAt, linkUntil }: PhoneFacts, linkIsOver: boolean, carrier: string): Cause {
  if (linkIsOver)
    return cause(
      'certain',
      'the tunnel was never set up, and the link for it does not work any more',
      linkUntil === null ? 'the link is closed, and no handshake was ever seen' : `the link worked until ${linkUntil}`,
      'make a new link',
    )
  if (linkOpenedAt === null)
    return cause(
      'likely',
      'nobody has opened the link yet, so nothing is set up',
      'no visit to the link, no handshake',
      'send the link again, or scan it together',
    )
  return cause(
    'likely',
    `the link was opened, but the tunnel never spoke: it was not scanned into WireGuard, or ${carrier} is in a network that lets no UDP out`,
    `link opened at ${linkOpenedAt}, no handshake since`,
    'see in the WireGuard app whether the tunnel is there and switched on, and try another network',
  )
}

/** By how a reason begins, as the phone door writes it into its ledger. */
const refusals: readonly (readonly [begins: string, what: string, todo: string])[] = [
  ['enrolment link has expired', 'it asks with a link that has run out', 'make a new link'],
  [
    'enrolment link was used up',
    'it asks with its first link, which was used up: it was reset, or the link is on a second device',
    'make a new link, and see that only one phone has it',
  ],
  [
    'this handset has no such file',
    'it asks for a file that its model has not: it is another model, or the address was typed wrongly',
    'compare the model on its back with the one handed out',
  ],
  ['not one file', 'several phones behind its gateway wait at once', 'start them one after the other'],
  ['taken back', 'it was taken back in this moment', 'look at the page again'],
]

function fetchCauses({ fetches, enrolledAt, tunnel, now, linkUntil }: PhoneFacts): Cause[] {
  const [last] = fetches
  if (last === undefined) {
    const linkIsOver = linkUntil === null || Date.parse(linkUntil) <= now.getTime()
    if (enrolledAt !== null) return []
    return [
      cause(
        tunnel?.firstHandshakeAt ? 'likely' : 'possible',
        'it has never asked the phone door for its file: it does not know the address, or cannot reach or trust it',
        'no fetch in the ledger',
        linkIsOver
          ? 'make a new link, and give the phone its provisioning address anew'
          : 'see that the provisioning address is in the phone (or in DHCP), and that its clock is right',
      ),
    ]
  }
  const seen = `${last.outcome} at ${last.at} from ${last.remoteAddress}: ${last.reason}`
  if (last.outcome === 'refused') {
    const known = refusals.find(([begins]) => last.reason.startsWith(begins))
    return [
      known
        ? cause('certain', known[1], seen, known[2])
        : cause('likely', 'its last request was refused', seen, 'look at its lines in the phone door ledger'),
    ]
  }
  return enrolledAt === null
    ? [
        cause(
          'likely',
          'it got its first file, but never came back with its own link: it did not take the file, or cannot reach the phone door from where the file sends it',
          seen,
          'start the phone anew and watch the ledger; a phone that refuses the file often shows why on its display',
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
            fetches[0] ? `last fetch at ${fetches[0].at}` : 'no fetch in the ledger',
            'tell it to fetch its file again (resync), or start it anew',
          ),
        ]
      : []),
  ]
}

function cause(certainty: Certainty, what: string, seen: string, todo: string): Cause {
  return { certainty, what, seen, todo }
}
