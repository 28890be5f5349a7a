/** Tables with one default row each, seeded by the environment; more rows come with more sites. */
export interface Site {
  readonly id: string
  readonly name: string
}

export interface Pbx {
  readonly id: string
  readonly siteId: string
  /** What people call it, `1001@branch`. */
  readonly name: string
  /** The driver: `manual`, `asterisk`, … */
  readonly driver: string
  /** IP address reached from the hub. */
  readonly address: string | null
  /** DNS name that handsets use. */
  readonly host: string | null
  readonly port: number
  readonly mtlsPort: number
  readonly rtpFrom: number
  readonly rtpTo: number
  readonly realm: string
}

export interface Hub {
  readonly id: string
  readonly siteId: string
  readonly name: string
  readonly interface: string
  /** `host:port` that handsets dial. */
  readonly endpoint: string | null
  readonly listenPort: number
  /** Comma-separated prefixes, IPv4 and IPv6; the hub takes the first address of each. */
  readonly subnets: string
  readonly phoneSubnets: string
  /** Learnt from the hub process; null before it first answered. */
  readonly publicKey: string | null
}

/** The first row of each, which is always there. */
export const defaultId = 'default'

/** The site of this name; the first one where none is named. The same name is the same site, whatever its spelling. */
export function siteOf(name: string | null, first: Site): Site {
  const id = slug(name ?? first.name)
  return name === null || id === slug(first.name) ? first : { id: id === defaultId ? `site-${id}` : id, name }
}

function slug(name: string): string {
  return name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
}
