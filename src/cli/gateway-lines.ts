/** What a person must hear of home gateways: which one a phone hangs on, what its router must learn, and which one stays. */
import type { EmployeeView, GatewayView, HandsetView } from '../journeys/application.ts'
import { paint, safe, type Terminal, when } from './terminal.ts'

type Home = Pick<EmployeeView, 'id' | 'tunnels' | 'gateways'>

/** `the openwrt gateway 10.78.0.0/28 of Ida Nowak (1030)`; whose is left out where it is one's own. */
function gatewayName({ kind, subnets, owner }: GatewayView, viewerId: string): string {
  const whose = owner.id === viewerId ? '' : ` of ${safe(owner.name)} (${safe(owner.extension)})`
  return `the ${safe(kind)} gateway ${subnets.map(safe).join(' ')}`.trimEnd() + whose
}

/** Null where it brings its own tunnel, or has left the gateway. */
function gatewayOf({ tunnels, gateways }: Home, { tunnelId }: HandsetView): GatewayView | null {
  const carrier = tunnels.find(({ id }) => id === tunnelId)?.carrier
  return gateways.find(({ id }) => id === carrier?.id) ?? null
}

/** Under a handset: through which gateway it comes, and when that one was last heard. */
export function behindLine(view: Home, handset: HandsetView): string[] {
  const gateway = gatewayOf(view, handset)
  if (!gateway) return []
  const heard = gateway.lastHeardAt === null ? 'never heard yet' : `last heard ${when(gateway.lastHeardAt)}`
  return [`behind ${gatewayName(gateway, view.id)}, ${heard}`]
}

interface HandedOut extends Home {
  readonly handsets: readonly HandsetView[]
}

/**
 * After handing out.
 * @param before ids of gateways that were there already; null: all of them were
 * @param isDefault nobody named a kind
 */
export function takenGatewayLines(
  terminal: Terminal,
  created: HandedOut,
  fresh: readonly HandsetView[],
  { before, isDefault }: { before: ReadonlySet<string> | null; isDefault: boolean },
): string[] {
  return created.gateways.flatMap((gateway) => {
    const phones = fresh.filter((handset) => gatewayOf(created, handset)?.id === gateway.id)
    if (phones.length === 0) return []
    const models = phones.map(({ model, mac }) => safe(mac === null ? model : `${model} ${mac}`)).join(', ')
    const title = `${models} on ${gatewayName(gateway, created.id)}`
    if (before === null || before.has(gateway.id)) return ['', title, ...learnLines(terminal, created, gateway, phones)]
    const note = `  note  nobody named a kind with --gateway, so it is a ${safe(gateway.kind)} one; \`ringfence models gateway\` lists them`
    return ['', title, ...(isDefault ? [paint(terminal, 'warn', note)] : [])]
  })
}

/** A router gives addresses to phones that it knows, and only to these. */
function learnLines(
  terminal: Terminal,
  { tunnels }: Home,
  { id, owner }: GatewayView,
  phones: readonly HandsetView[],
): string[] {
  const hasScript = tunnels.some(({ carrier, keyOrigin }) => carrier.id === id && keyOrigin === 'device')
  const addresses = phones.map(({ mac, phoneAddress }) => `${safe(mac ?? '?')} -> ${safe(phoneAddress ?? '?')}`)
  return [
    `  ${paint(terminal, 'strong', 'next')}  its router must learn of ${phones.length === 1 ? 'this phone' : 'these phones'}. Add to its DHCP:`,
    ...addresses.map((text) => `          ${text}`),
    ...(hasScript
      ? [
          "        or run its newer script, from the page of its owner's invite",
          `        (\`ringfence invite ${safe(owner.extension)}\` makes that page anew)`,
        ]
      : []),
  ]
}

/** After taking phones back: gateways that stay for others, and what is to be done about them. */
export function stayingGatewayLines(
  terminal: Terminal,
  view: EmployeeView,
  ownerBefore: ReadonlyMap<string, string> = new Map(),
): string[] {
  const left = view.gateways.filter(
    ({ id, owner }) =>
      owner.id !== view.id &&
      !view.handsets.some((handset) => handset.removedAt === null && gatewayOf(view, handset)?.id === id),
  )
  return left.flatMap((gateway) => {
    const { id, kind, subnets, owner } = gateway
    const before = ownerBefore.get(id)
    const since = before !== undefined && before !== owner.id ? ' from now on' : ''
    return [
      `${paint(terminal, 'warn', '! stays')}  the ${safe(kind)} gateway ${subnets.map(safe).join(' ')}, for other phones;`,
      `         it is that of ${safe(owner.name)} (${safe(owner.extension)})${since}`,
      `  next   its router should get a new key: take the old one off it (a script`,
      `         keeps the key that it finds; docs/gateways.md says how), then`,
      `         ringfence invite ${safe(owner.extension)}, and its script or file on the router once more`,
      '',
    ]
  })
}
