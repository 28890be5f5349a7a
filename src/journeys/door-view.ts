/** What the phone door asks and is answered. */
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
