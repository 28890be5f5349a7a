/** What the phone door asks and is answered. */
import type { JoinStatus, JoinView } from './join-view.ts'

/** What people and phones on the Internet can do with a link. Every refusal is alike: outsiders never learn why. */
export interface DoorDeeds {
  /** The employee's page; null for every refusal alike. */
  readonly join: (token: string) => Promise<JoinView | null>
  /** `<name>.conf` of one tunnel of this invite; null for every refusal alike. */
  readonly joinTunnel: (token: string, fileName: string) => Promise<DoorFile | null>
  /** Files beside the page: client certificate PEM for models that take it by hand. */
  readonly joinFile: (token: string, fileName: string) => Promise<DoorFile | null>
  /** The public key of a tunnel whose private half the employee's browser made; null for every refusal alike, else the `.conf` without it. */
  readonly takeBrowserKey: (token: string, tunnelId: string, publicKey: string) => Promise<string | null>
  /** What was seen of the tunnels and phones of this invite; null for every refusal alike. */
  readonly joinStatus: (token: string) => Promise<JoinStatus | null>
  /** What a phone asks for; every answer and refusal goes into the ledger. Null: the one 404. */
  readonly serveFile: (request: DoorRequest) => Promise<DoorFile | null>
  /** The public key that a home gateway's router tells through its own link. False for every refusal alike. */
  readonly takeGatewayKey: (token: string, publicKey: string) => Promise<boolean>
  /** Called for each request to an invite's page or files, with what became of it. */
  readonly enterVisit: (visit: InviteVisit) => Promise<void>
  readonly revocationList: () => Promise<Buffer>
}

export interface DoorRequest {
  readonly token: string
  readonly fileName: string
  readonly remoteAddress: string
  readonly userAgent: string | null
  readonly ifNoneMatch: string | null
  readonly method: 'GET' | 'HEAD'
}

export interface InviteVisit {
  readonly token: string
  /** `page`, or the name of the file. */
  readonly fileName: string
  readonly remoteAddress: string
  readonly userAgent: string | null
  readonly served: boolean
}

export interface DoorFile {
  readonly contentType: string
  readonly body: string
  /** Strong ETag with quotes. */
  readonly etag: string
  readonly notModified: boolean
}
