/** Causes on the way from the phone: a tunnel that is silent, and fetches that did not go as they should. */
import { type Cause, cause, type PhoneFacts } from './phone-facts.ts'

/** WireGuard shakes hands every two minutes while something is sent (REKEY_AFTER_TIME), and gives up after three. */
const silentMs = 3 * 60_000

export function tunnelCauses(facts: PhoneFacts): Cause[] {
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
  if (tunnel.firstHandshakeAt === null) return [neverHeard(facts, linkIsOver, tunnel.throughGateway)]
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

function neverHeard({ linkOpenedAt, linkUntil }: PhoneFacts, linkIsOver: boolean, throughGateway: boolean): Cause {
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
  const seen = `link opened at ${linkOpenedAt}, no handshake since`
  // A phone behind a gateway has no app of its own: it is the router that was not set up.
  if (throughGateway)
    return cause(
      'likely',
      'the link was opened, but the home gateway never spoke: its router was not set up from there, or is in a network that lets no UDP out',
      seen,
      'see on the router whether its WireGuard interface is there and up, and that it has Internet',
    )
  return cause(
    'likely',
    'the link was opened, but the tunnel never spoke: it was not scanned into WireGuard, or the device is in a network that lets no UDP out',
    seen,
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

export function fetchCauses({ fetches, enrolledAt, newLinkWaits, tunnel, now, linkUntil }: PhoneFacts): Cause[] {
  const [last] = fetches
  if (last === undefined) {
    const linkIsOver = linkUntil === null || Date.parse(linkUntil) <= now.getTime()
    if (enrolledAt !== null || newLinkWaits) return []
    return [
      cause(
        tunnel?.firstHandshakeAt ? 'likely' : 'possible',
        'it has never asked the phone door for its file: it does not know the address, or cannot reach or trust it',
        'it never asked the phone door',
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
        : cause('likely', 'its last request was refused', seen, 'look at its requests on the page Phone door'),
    ]
  }
  if (newLinkWaits)
    return [
      cause(
        'possible',
        'a new link waits for it: it goes on with its old one until its next fetch',
        seen,
        'tell it to fetch its file (resync), or start it anew',
      ),
    ]
  return enrolledAt === null
    ? [
        cause(
          'likely',
          'it got its first file, but never came back with its own link: it did not take the file, or cannot reach the phone door from where the file sends it',
          seen,
          'start the phone anew and watch the page Phone door; a phone that refuses the file often shows why on its display',
        ),
      ]
    : []
}

/** Heard within the last minutes. */
function isHeard({ tunnel, now }: Pick<PhoneFacts, 'tunnel' | 'now'>): boolean {
  const at = tunnel?.lastHandshakeAt ?? null
  return at !== null && now.getTime() - Date.parse(at) <= silentMs
}
