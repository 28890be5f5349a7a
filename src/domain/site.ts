/** Tables with one default row each, seeded by the environment; more rows come with more sites. */
export interface Site {
  readonly id: string
  readonly name: string
}

export interface Pbx {
  readonly id: string
  readonly siteId: string
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

/** The one row that the environment seeds. */
export const defaultId = 'default'
