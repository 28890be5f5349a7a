/**
 * The kinds of things that outlive a password. Those of an extension act for whoever had it; those that are shared are known
 * by heart to many, and to whoever leaves.
 */
export const ownKinds = [
  'call-forward',
  'follow-me',
  'do-not-disturb',
  'voicemail-pin',
  'voicemail-dial-out',
  'mail-address',
  'mobile-number',
  'shared-line',
  'other-login',
] as const
export const sharedKinds = ['disa', 'conference-pin', 'outside-line-pin'] as const

export type OwnKind = (typeof ownKinds)[number]
export type SharedKind = (typeof sharedKinds)[number]

/**
 * - `cleared`: seen, cleared, and seen to be gone.
 * - `renewed`: replaced in the act that shuts the account, by one that nobody is told; not to be seen.
 * - `read`: seen; where it is set, a step names it.
 * - `step`: not to be seen; every closing has a step that says where to look, in the words of that PBX's own pages.
 * - `none`: this PBX has no such thing.
 */
export type Reach = 'cleared' | 'renewed' | 'read' | 'none' | { readonly step: string }

export type Outliving = Readonly<Record<OwnKind | SharedKind, Reach>>

/** Rows of the table, and what a step says where the driver knows no better words. */
export const kindWords: Readonly<Record<OwnKind | SharedKind, string>> = {
  'call-forward': 'call forwards',
  'follow-me': 'follow-me and ringing elsewhere',
  'do-not-disturb': 'do not disturb',
  'voicemail-pin': 'the voicemail PIN',
  'voicemail-dial-out': 'calling out of the voicemail box',
  'mail-address': 'an address that messages are mailed to',
  'mobile-number': "the person's mobile number",
  'shared-line': 'shared lines',
  'other-login': 'other logins of the person (web pages, apps, a phone in the browser)',
  disa: 'DISA (an outside line for whoever dials in)',
  'conference-pin': 'PINs of conference rooms',
  'outside-line-pin': 'PINs that open outside lines',
}

/** A PBX that shows nothing of it. */
export const nothingSeen: Outliving = {
  'call-forward': { step: kindWords['call-forward'] },
  'follow-me': { step: kindWords['follow-me'] },
  'do-not-disturb': { step: kindWords['do-not-disturb'] },
  'voicemail-pin': { step: kindWords['voicemail-pin'] },
  'voicemail-dial-out': { step: kindWords['voicemail-dial-out'] },
  'mail-address': { step: kindWords['mail-address'] },
  'mobile-number': { step: kindWords['mobile-number'] },
  'shared-line': { step: kindWords['shared-line'] },
  'other-login': { step: kindWords['other-login'] },
  disa: { step: kindWords.disa },
  'conference-pin': { step: kindWords['conference-pin'] },
  'outside-line-pin': { step: kindWords['outside-line-pin'] },
}

/** What a person has to look for. */
export function stepsFor(outliving: Outliving, kinds: readonly (OwnKind | SharedKind)[]): readonly string[] {
  const steps = kinds.flatMap((kind) => {
    const reach = outliving[kind]
    return typeof reach === 'object' ? [reach.step] : []
  })
  // One page of a PBX may be the place of several kinds.
  return [...new Set(steps)]
}

export type LeftoverReach = 'cleared' | 'read' | 'unseen'

/** In one word, of what acts for an extension: call forwards, voicemail and the like. `unseen` is a step for a person. */
export function reachOfLeftovers(outliving: Outliving): LeftoverReach {
  const reaches = ownKinds.map((kind) => outliving[kind])
  return reaches.includes('cleared') ? 'cleared' : reaches.includes('read') ? 'read' : 'unseen'
}

export function showsSharedPins(outliving: Outliving): boolean {
  return sharedKinds.some((kind) => outliving[kind] === 'read')
}
