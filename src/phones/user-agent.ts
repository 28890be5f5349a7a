import type { Contradiction, Seen } from './phone-port.ts'

/** The groups that a vendor's pattern may name. */
export const userAgentGroups = ['model', 'firmware', 'mac'] as const

/** Longer than any that a phone sends; what a stranger sends is cut here, before anything is done with it. */
const longest = 200

/** Reads what a phone calls itself. Whoever asks can write anything there, so only harmless characters come out. */
export function readUserAgent(pattern: RegExp, userAgent: string): Seen | null {
  const groups = pattern.exec(userAgent.slice(0, longest).replace(/[^\x20-\x7e]/g, '?'))?.groups
  if (!groups) return null
  const seen = { model: word(groups.model), firmware: word(groups.firmware), mac: macIn(groups.mac) }
  return seen.model === null && seen.firmware === null && seen.mac === null ? null : seen
}

/** What a model's manifest knows of the phone, to compare with what it says of itself. */
export interface Expected {
  readonly mac: string | null
  /** What the model calls itself; null when not known. */
  readonly model: string | null
  readonly firmwareFloor: string | null
  /** How many numbers of a firmware's version name the hardware and not its age. */
  readonly hardwareParts: number
}

export function contradictionsIn(seen: Seen, expected: Expected): readonly Contradiction[] {
  const found: Contradiction[] = []
  if (seen.mac !== null && expected.mac !== null && seen.mac !== expected.mac)
    found.push({ kind: 'mac', message: `it says that its MAC address is ${seen.mac}, not ${expected.mac}` })
  if (seen.model !== null && expected.model !== null && plain(seen.model) !== plain(expected.model))
    found.push({ kind: 'model', message: `it says that it is a ${seen.model}, not a ${expected.model}` })
  if (seen.firmware !== null && isOlder(seen.firmware, expected)) {
    const message = `its firmware ${seen.firmware} is older than ${expected.firmwareFloor}, the oldest that the file was made for`
    found.push({ kind: 'firmware', message })
  }
  return found
}

/** False also where the two cannot be compared: a doubt that we made ourselves would be noise. */
function isOlder(firmware: string, { firmwareFloor, hardwareParts }: Expected): boolean {
  const floor = numbersOf(firmwareFloor ?? '')
  const version = numbersOf(firmware)?.slice(hardwareParts)
  if (!floor || !version || version.length === 0) return false
  for (const [index, least] of floor.entries()) {
    const part = version[index] ?? 0
    if (part !== least) return part < least
  }
  return false
}

/** `10.1.63.0`, `V84`, `83.V2.65.0`; null for anything else. */
function numbersOf(version: string): readonly number[] | null {
  return /^V?[0-9]{1,6}(\.V?[0-9]{1,6}){0,6}$/.test(version) ? version.replaceAll('V', '').split('.').map(Number) : null
}

function word(text: string | undefined): string | null {
  const trimmed = text?.trim() ?? ''
  return /^[A-Za-z0-9][A-Za-z0-9 ._+/-]{0,59}$/.test(trimmed) ? trimmed : null
}

function macIn(text: string | undefined): string | null {
  const digits = (text ?? '').replace(/[:-]/g, '').toLowerCase()
  return /^[0-9a-f]{12}$/.test(digits) ? digits : null
}

/** `X6U Pro` and `X6U-Pro` are the same phone. */
function plain(model: string): string {
  return model.replace(/[^A-Za-z0-9]/g, '').toLowerCase()
}
