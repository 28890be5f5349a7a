/**
 * What the phones room offers: the catalogue of models and the files that make a handset work.
 * Adding a vendor is data under templates/phones/<vendor>/; code changes only for a new file format.
 */
import type { Secret } from '../domain/secret.ts'

export interface Model {
  /** `yealink-t54w`, `linphone-mobile`; for gateways `gateway-plain`. */
  readonly id: string
  /** The folder's name. */
  readonly vendor: string
  readonly kind: 'desk-phone' | 'softphone' | 'gateway'
  /** `Yealink T54W`, for people. */
  readonly name: string
  readonly capabilities: Capabilities
  /** What an installer or employee must know before choosing it; plain sentences. */
  readonly notes: readonly string[]
  /** What whoever hands it out must hear each time; plain sentences. */
  readonly warnings: readonly string[]
  /** What to know when the provisioning address is typed into it; null where the address alone will do. */
  readonly typing: string | null
  /** How an employee sets up an app; null for what is no app. */
  readonly signIn: SignIn | null
}

export interface SignIn {
  /** What people call the app. */
  readonly app: string
  /** `scan`: the address of the first file as a QR code and as text; `type`: as text only; `save`: every file is saved by hand. */
  readonly how: 'scan' | 'type' | 'save'
  /** What a tap on the device opens: `{url}` is the address of the first file, `{urlWithoutScheme}` the same from the host on. */
  readonly deepLink: string | null
  /** Sentences for the employee, one a step. */
  readonly words: readonly string[]
  /** The same in other languages, by their code (`de`); a language without is shown the English ones. */
  readonly translations: Readonly<Record<string, readonly string[]>>
  /** Where the app is to be had, by operating system (`ios`, `android`, `macos`, `windows`, `linux`). */
  readonly stores: Readonly<Record<string, string>>
}

export interface Capabilities {
  /** Takes a client certificate with its provisioning file, by hand (two local settings), or not at all. */
  readonly clientCertificate: 'provisioned' | 'by-hand' | 'none'
  /** Takes the Service CA; otherwise phone door and PBX must show it a publicly trusted certificate. */
  readonly acceptsPrivateCa: boolean
  /** Brings its own tunnel (the WireGuard app beside a softphone counts); otherwise it needs a home gateway. */
  readonly ownTunnel: boolean
  readonly srtpForced: boolean
  /** The NOTIFY event that makes it fetch again; null where it only does so at start. */
  readonly resyncEvent: string | null
  /** A document that takes account and secrets away when fetched. */
  readonly blanking: boolean
  readonly testedOnHardware: boolean
}

export interface Catalogue {
  /** Another text when any template or manifest is another: what was made from an older edition may be out of date. */
  readonly edition: string
  readonly models: readonly Model[]
  model(id: string): Model | undefined
  /** The nearest ids to a mistyped one, best first, at most five. */
  nearest(id: string): readonly string[]
  /** Why an app that people ask for is not among the models, in words; null when nobody decided against it. */
  refusal(id: string): string | null
  /** True when the vendor's known MAC prefixes do not contain it: a hint, never a gate. */
  looksForeign(modelId: string, mac: string): boolean
  /** The file names that this handset may ask for, relative to its provisioning URL. */
  fileNames(modelId: string, mac: string | null): readonly string[]
  /** What each of them is, for people; null when the model has no such file. */
  filePurpose(modelId: string, fileName: string, mac: string | null): string | null
  /** What the file is made from; null for certificates and keys, and when the model has no such file. */
  templateOf(modelId: string, fileName: string, mac: string | null): TemplateOrigin | null
  /** Null when this model has no such file. Byte-stable: the same values give the same bytes. */
  render(modelId: string, fileName: string, values: FileValues): RenderedFile | null
  /** The document without any secret that takes the account away; null when the model has no such file. */
  renderBlanking(modelId: string, fileName: string, values: BlankingValues): RenderedFile | null
  /**
   * What a phone says of itself in its User-Agent; null when it says nothing that we know. Anybody can write anything
   * there: a hint for people. What comes out are short words of letters, digits and a few signs.
   */
  seen(modelId: string, userAgent: string): Seen | null
  /** Where that does not fit what was handed out. */
  contradictions(modelId: string, mac: string | null, seen: Seen): readonly Contradiction[]
  /** A handset's own passwords in the form in which its file sets them; null where no file sets one. */
  phonePasswords(
    modelId: string,
    passwords: Pick<FileValues, 'phoneAdminPassword' | 'phoneUserPassword'>,
  ): { readonly admin: Secret | null; readonly user: Secret | null }
  /** Why none of this model's files says a setting (domain/phone-setting-value.ts) of this value; null when one does. */
  settingNote(modelId: string, name: string, value: string): string | null
  /** What is wrong with lines in a vendor's own format, for a model or, by the name of its folder, for all of a vendor's. */
  extraLinesProblem(modelOrVendor: string, lines: string): string | null
  /** How a kind of home gateway is set up; undefined for a model that is no gateway. */
  gateway(modelId: string): GatewayKind | undefined
  /** What to set up on a home gateway, as an HTML fragment; null for a model that is no gateway. */
  gatewayInstructions(modelId: string, values: GatewayValues): string | null
  /** The script that sets a home gateway up; null where there is none for this kind. */
  gatewayScript(modelId: string, values: GatewayScriptValues): string | null
}

export interface Seen {
  readonly model: string | null
  readonly firmware: string | null
  /** 12 lower-case hex digits. */
  readonly mac: string | null
}

export interface Contradiction {
  readonly kind: 'mac' | 'model' | 'firmware'
  /** A sentence without its first capital and full stop. */
  readonly message: string
}

export interface TemplateOrigin {
  /** `phones/yealink/phone.cfg`, below the folder of templates. */
  readonly template: string
  /** It is the admin's own, in place of ours or beside them. */
  readonly own: boolean
}

/** The catalogue with the admin's own templates in it, and what to tell about these. */
export interface LoadedTemplates {
  readonly catalogue: Catalogue
  /** Delivered files that one of the admin's own stands in for: `phones/yealink/phone.cfg`. */
  readonly replaced: readonly string[]
  /** The admin's own files that nothing uses: misspelt, most likely. */
  readonly unused: readonly string[]
}

export interface RenderedFile {
  readonly contentType: string
  readonly body: string
}

/** Everything a phone's file can say. Templates see these names; hosts and names are already the ones inside the VPN. */
export interface FileValues {
  readonly extension: string
  readonly displayName: string
  readonly mac: string | null
  readonly sip: {
    readonly host: string
    readonly port: number
    readonly username: string
    readonly secret: Secret
    readonly realm: string
    readonly expiresSeconds: number
  }
  /** PEM; null when the model takes none, or when the door and the PBX are publicly trusted. */
  readonly caCertificate: string | null
  readonly clientCertificate: { readonly certificate: string; readonly privateKey: Secret } | null
  /** Ends in `/`; the handset's steady provisioning URL. */
  readonly provisioningUrl: string
  /** Passwords of the phone's own pages. */
  readonly phoneAdminPassword: Secret
  readonly phoneUserPassword: Secret
  readonly timeServer: string | null
  /** What admins set for this handset (domain/phone-setting.ts), by name. */
  readonly settings: Readonly<Record<string, string>>
}

export interface BlankingValues {
  readonly mac: string | null
  /** Random text for what must be overwritten but not emptied (a phone's admin password). */
  readonly filler: Secret
}

export interface GatewayKind {
  /** Where its private key is made: of a `device` key we only ever know the public half. */
  readonly key: 'device' | 'server'
  /** Ending of the script's file name; null where the installer imports the `.conf` and fills in the rest. */
  readonly scriptExtension: string | null
}

/** What is set up on a home gateway besides its keys. */
export interface GatewayValues {
  readonly tunnelAddresses: readonly string[]
  readonly allowedIps: readonly string[]
  readonly hubEndpoint: string
  /** The pieces of PHONE_SUBNETS for the phones behind it; the gateway takes the first address of each. */
  readonly phoneSubnets: readonly string[]
  /** Phones and their reserved addresses (DHCP by MAC): the hub lets these addresses through and no others. */
  readonly reservations: readonly { readonly mac: string; readonly address: string; readonly model: string }[]
  /** The phone door as phones dial it over the Internet, and the address for DHCP options 66 and 160; it ends in `/`. */
  readonly door: {
    readonly host: string
    readonly port: number
    /** What the host's name leads to now; empty when it led nowhere. */
    readonly addresses: readonly string[]
    readonly phonesUrl: Secret
  }
  readonly pbx: {
    readonly host: string
    /** Where speech goes; null while none is configured. */
    readonly address: string | null
    /** Where calls are set up, which `host` and `ports` belong to: `address`, or the edge in front of it. */
    readonly sipAddress: string | null
    readonly ports: readonly number[]
    readonly rtpFrom: number
    readonly rtpTo: number
  }
  readonly timeServer: string | null
}

/** The same and the secrets that only the router needs. */
export interface GatewayScriptValues extends GatewayValues {
  readonly hubPublicKey: string
  readonly presharedKey: Secret
  /** Where the router posts its public key (`publicKey=…` in a form), as long as it has not spoken through the tunnel. */
  readonly keyUrl: Secret
}

/** A WireGuard configuration as a phone app or gateway takes it; see tunnel-configuration.ts. */
export interface TunnelConfiguration {
  /** Null leaves its line out: whoever made the key puts it in. */
  readonly privateKey: Secret | null
  readonly presharedKey: Secret
  /** The tunnel's own addresses (/32, /128). */
  readonly addresses: readonly string[]
  readonly hubPublicKey: string
  /** `host:port`; an IPv6 host in brackets. */
  readonly hubEndpoint: string
  /** PBX address and hub address, nothing else (design 6). */
  readonly allowedIps: readonly string[]
}

/** What a managed Apple device is given (phones/managed-profile.ts). */
export interface ManagedProfile {
  readonly tunnelId: string
  /** What people see of it on the device. */
  readonly name: string
  /** Whose it is: the host of the phone door. */
  readonly organization: string
  readonly platform: 'ios' | 'macos'
  readonly hubEndpoint: string
  readonly configuration: Secret
}
