/** What the employee's page shows. */
import type { Secret } from '../domain/secret.ts'
import type { KeyOrigin } from '../domain/tunnel.ts'

export interface JoinView {
  readonly name: string
  readonly extension: string
  readonly expiresAt: string
  readonly demo: readonly string[]
  /** The name that apps look up, and where it should lead; null while none is configured. */
  readonly pbxHost: string
  readonly pbxAddress: string | null
  readonly handsets: readonly JoinHandset[]
  readonly gateways: readonly JoinGateway[]
}

export interface JoinHandset {
  readonly id: string
  readonly modelId: string
  readonly modelName: string
  readonly kind: 'desk-phone' | 'softphone'
  readonly tunnel: JoinTunnel | null
  /** How to set up the app; null for a desk phone, and once it has signed in. */
  readonly signIn: JoinSignIn | null
  /** For a softphone that fetches its settings itself: the address (plain https) and the deep link of the same. */
  readonly softphoneUrl: string | null
  readonly softphoneDeepLink: string | null
  /** For a desk phone: the URL to type, and what this model wants to have changed about it. */
  readonly provisioningUrl: string | null
  readonly typing: string | null
  /** Client certificate and key to set by hand, where the model takes them so. */
  readonly certificateFiles: readonly { readonly name: string; readonly what: string }[]
  /** Of desk phones: 12 lower-case hexadecimal digits. */
  readonly mac: string | null
  readonly enrolled: boolean
  /** The place that admins noted for emergency calls from this phone. */
  readonly emergencyNote: string | null
  readonly notes: readonly string[]
}

export interface JoinSignIn {
  /** What people call the app. */
  readonly app: string
  /** Whether the app can scan the address. */
  readonly scan: boolean
  /** Sentences, one a step; English unless there is a translation. */
  readonly words: readonly string[]
  readonly translations: Readonly<Record<string, readonly string[]>>
  /** Where the app is to be had, by operating system. */
  readonly stores: Readonly<Partial<Record<Device, string>>>
  /** To be saved by hand, where the app fetches nothing itself; they hold the password. */
  readonly files: readonly { readonly name: string; readonly url: string; readonly what: string }[]
}

export interface JoinGateway {
  readonly id: string
  readonly kind: string
  /** `OpenWrt 22.03 or newer`, for people. */
  readonly kindName: string
  readonly tunnel: JoinTunnel
  /** What sets it up by itself; null for a kind that takes the `.conf`. Its text is null once the tunnel is in use. */
  readonly script: JoinFile | null
  readonly phoneSubnet: string
  /** Instructions as safe HTML made from templates/gateways. */
  readonly instructionsHtml: string
}

export interface JoinFile {
  /** Its name beside the page. */
  readonly fileName: string
  /** Its text; null once it is not shown any more (the tunnel has been used, or the window ended). */
  readonly configuration: Secret | null
}

/** `<name>.conf`; `configuration` has the private key that the server made, and is null without one. */
export interface JoinTunnel extends JoinFile {
  readonly id: string
  readonly keyOrigin: KeyOrigin
  /** Whether a key that the browser makes now would be taken. */
  readonly browserMayMakeKey: boolean
}

export type Device = 'ios' | 'android' | 'macos' | 'windows' | 'linux'

export const devices: readonly Device[] = ['ios', 'android', 'macos', 'windows', 'linux']

/** What was seen of an invite's tunnels and phones, for the page to tell. */
export interface JoinStatus {
  readonly tunnels: readonly { readonly id: string; readonly state: TunnelState }[]
  readonly phones: readonly PhoneStatus[]
}

/** `no-key`: a router has told none yet; `silent`: never a handshake; `connected`: one within three minutes; `quiet`: longer ago. */
export type TunnelState = 'no-key' | 'silent' | 'connected' | 'quiet'

export interface PhoneStatus {
  readonly id: string
  /** The tunnel that carries it, its own or its home gateway's. */
  readonly tunnelId: string | null
  readonly tunnel: TunnelState | null
  /** It has fetched its settings and come back with its own link; null for an app that fetches nothing by itself. */
  readonly fetched: boolean | null
  /** `unknown`: this PBX cannot be read, or was not yet. */
  readonly account: 'registered' | 'not-registered' | 'unknown'
  /** What to look at, once it is taking too long: the tunnel, the PBX's name, or the app's sign-in. */
  readonly help: 'tunnel' | 'name' | 'sign-in' | null
}
