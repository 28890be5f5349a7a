import type { CallClass, CallPolicy } from './call-policy.ts'

const classWords: Readonly<Record<CallClass, string>> = {
  blocked: 'emergency numbers only',
  internal: 'internal calls only',
  local: 'local calls',
  national: 'national calls',
  international: 'international calls',
}

/** For people: `national calls, besides +43 and +41; at most 2 at once, 10 an hour, 60 minutes a day`. */
export function policyWords(policy: CallPolicy | null): string {
  if (policy === null) return 'what the PBX itself allows'
  const countries = policy.countries.map((code) => `+${code}`)
  const limits = [
    policy.callsAtOnce !== null && `${policy.callsAtOnce} at once`,
    policy.callsPerHour !== null && `${policy.callsPerHour} an hour`,
    policy.callsPerDay !== null && `${policy.callsPerDay} a day`,
    policy.minutesPerHour !== null && `${policy.minutesPerHour} minutes an hour`,
    policy.minutesPerDay !== null && `${policy.minutesPerDay} minutes a day`,
  ].filter((limit) => limit !== false)
  return [
    classWords[policy.class],
    ...(countries.length > 0 ? [`besides ${countries.join(', ')}`] : []),
    ...(limits.length > 0 ? [`outside calls at most ${limits.join(', ')}`] : []),
  ].join('; ')
}
