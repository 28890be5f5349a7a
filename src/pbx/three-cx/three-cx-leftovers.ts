import type { Outliving } from '../../domain/outliving.ts'
import type { Leftover, SharedPin } from '../pbx-driver.ts'
import {
  asDestination,
  type ThreeCxApi,
  type ThreeCxExceptions,
  type ThreeCxProfile,
  type ThreeCxUser,
} from './three-cx-api.ts'

/**
 * `Regenerate` sets a new voicemail PIN. What lives with the user (do not disturb is a profile, the PIN that locks a phone is
 * the voicemail's) goes when the user is disabled.
 */
export const threeCxOutliving: Outliving = {
  'call-forward': 'read',
  'follow-me': 'read',
  'do-not-disturb': 'none',
  'voicemail-pin': 'renewed',
  'voicemail-dial-out': 'renewed',
  'mail-address': 'read',
  'mobile-number': 'read',
  'shared-line': 'none',
  'other-login': 'renewed',
  disa: { step: 'call flow apps that give an outside line (DISA)' },
  'conference-pin': 'read',
  'outside-line-pin': 'none',
}

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
      found.push(...leftoversBeside(extension, await api.exceptions(String(Id), signal)))
    }
  }
  return found
}

export async function sharedPinsOf(api: ThreeCxApi, signal: AbortSignal): Promise<readonly SharedPin[]> {
  if (!(await api.conferencePin(signal))) return []
  return [
    { kind: 'conference-pin', words: 'the PIN that conferences ask for (in the admin console, conference settings)' },
  ]
}

/** Rules for single callers go before every profile; a box without a PIN needs no new one. */
function leftoversBeside(
  extension: string,
  { ForwardingExceptions, VMEnabled, VMDisablePinAuth }: ThreeCxExceptions,
): Leftover[] {
  const forwards = ForwardingExceptions.flatMap(({ CallerId, Destination }): Leftover[] => {
    if (!leadsOutside(Destination)) return []
    const words = `an exception${CallerId ? ` for callers ${CallerId}` : ''} forwards calls to ${Destination?.External || 'an outside number'}: remove it (in the admin console, user, Call Forwarding)`
    return [{ extension, kind: 'call-forward', words, clearable: false }]
  })
  if (!VMEnabled || !VMDisablePinAuth) return forwards
  const words = 'its voicemail asks for no PIN: let it ask for one, or switch the box off (user, Voicemail)'
  return [...forwards, { extension, kind: 'voicemail-pin', words, clearable: false }]
}

/** `Pbx.DestinationType`: those that may dial a number outside. */
const outsideTypes = ['External', 'Boomerang', 'Deflect', 'Callback']

function leadsOutside(destination: ReturnType<typeof asDestination> | undefined): boolean {
  if (!destination?.To || !outsideTypes.includes(destination.To)) return false
  return destination.To === 'External' || Boolean(destination.External)
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
        return leadsOutside(destination) ? [destination?.External || 'an outside number'] : []
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
