/** What the employee's page shows. */
import type { Secret } from '../domain/secret.ts'

export interface JoinView {
  readonly name: string
  readonly extension: string
  readonly expiresAt: string
  readonly demo: readonly string[]
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
  /** Sentences, one a step. */
  readonly words: readonly string[]
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
  readonly script: JoinTunnel | null
  readonly phoneSubnet: string
  /** Instructions as safe HTML made from templates/gateways. */
  readonly instructionsHtml: string
}

export interface JoinTunnel {
  /** `<name>.conf` beside the page. */
  readonly fileName: string
  /** The text for the QR; null once the key was erased (the tunnel has been used, or the window ended). */
  readonly configuration: Secret | null
}
