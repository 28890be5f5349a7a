/** What people and scripts see of the files of handsets and of the templates behind them. */

export interface HandsetFile {
  readonly fileName: string
  /** For people. */
  readonly purpose: string
  /** `phones/yealink/phone.cfg`; null for certificates and keys, which are not made from one. */
  readonly template: string | null
  /** The template is the admin's own. */
  readonly ownTemplate: boolean
  /** Since when the version that was last fetched was served; null where none is known. */
  readonly fetchedAt: string | null
  /** Whether the next fetch would give another file, secrets that were changed included; null where none is known. */
  readonly differs: boolean | null
}

export interface FilePreview extends HandsetFile {
  readonly handsetId: string
  readonly contentType: string
  readonly body: string
  /** Of what admins set for this handset, what this file says, and the layer that won. */
  readonly settings: readonly { readonly name: string; readonly value: string; readonly layer: string }[]
  /** Unified, from the version last fetched to this one; null where none is known, empty where nothing differs. */
  readonly diff: string | null
}

export interface TemplateReload {
  readonly dryRun: boolean
  /** Delivered files that one of the admin's own stands in for. */
  readonly replaced: readonly string[]
  /** The admin's own files that nothing uses. */
  readonly unused: readonly string[]
  readonly changes: readonly ChangedHandset[]
}

/** A live handset, and which of its files change. */
export interface ChangedHandset {
  readonly handsetId: string
  readonly employeeId: string
  readonly model: string
  readonly files: readonly string[]
}
