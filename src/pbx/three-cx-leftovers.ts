import type { Leftover } from './pbx-driver.ts'
import { asDestination, type ThreeCxApi, type ThreeCxProfile, type ThreeCxUser } from './three-cx-api.ts'

/**
 * Forwarding profiles that lead out of the PBX. They outlive every password: a disabled user's calls may still be sent to
 * a mobile number. Shown, not cleared: a profile is a whole plan for a day, and what it should be is for a person to say.
 */
export async function leftoversOf(
  api: ThreeCxApi,
  extensions: readonly string[],
  signal: AbortSignal,
): Promise<readonly Leftover[]> {
  const found: Leftover[] = []
  for (const extension of extensions) {
    for (const user of await api.usersByNumber(extension, signal)) {
      const { Id, Number: number } = user
      if (number !== extension) continue
      found.push(...contactsOf(extension, user))
      const profiles = await api.profiles(String(Id), signal)
      found.push(...profiles.flatMap((profile) => leftoversIn(extension, profile)))
    }
  }
  return found
}

/** Voicemail and welcome mails with new passwords go there, and the mobile number may ring. */
function contactsOf(extension: string, { EmailAddress, Mobile }: ThreeCxUser): Leftover[] {
  const contact = (kind: 'mail-address' | 'mobile-number', words: string) => ({
    extension,
    kind,
    words: `${words} is still set: remove it or set the next holder's (in the admin console, user, General)`,
    clearable: false,
  })
  return [
    ...(EmailAddress ? [contact('mail-address', 'an e-mail address')] : []),
    ...(Mobile ? [contact('mobile-number', 'a mobile number')] : []),
  ]
}

function leftoversIn(extension: string, profile: ThreeCxProfile): Leftover[] {
  const name = profile.Name || 'without a name'
  const outside = new Set(
    [profile.AvailableRoute, profile.AwayRoute].flatMap((route) =>
      Object.values(route ?? {}).flatMap((value) => {
        const destination = asDestination(value)
        return destination?.To === 'External' ? [destination.External || 'an outside number'] : []
      }),
    ),
  )
  const where = 'in the admin console, user, Call Forwarding'
  const forwards = [...outside].map((number) => ({
    extension,
    kind: 'call-forward' as const,
    words: `profile ${name} forwards calls to ${number}: set another destination (${where})`,
    clearable: false,
  }))
  if (!profile.RingMyMobile) return forwards
  const words = `profile ${name} rings the mobile phone too: switch it off (${where})`
  return [...forwards, { extension, kind: 'follow-me' as const, words, clearable: false }]
}
