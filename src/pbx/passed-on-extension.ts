import type { Finding } from '../access/access-system.ts'
import type { AssignmentSubject } from '../domain/access.ts'
import type { ExtensionState } from './extension-judgement.ts'
import type { Leftover } from './pbx-driver.ts'

/** Of a closed extension that may be a next owner's by now: nothing on it is touched, and nobody can tell who set it. */

/**
 * Somebody else holds the extension in Ringfence. What was seen clean before is theirs whatever is set by now; of what was
 * never seen clean nobody can tell.
 * @param unseen where to look for what this PBX does not show
 * @param toChange steps about what the leaver may know by heart
 */
export function judgePassedOn(
  subject: AssignmentSubject,
  { product, leftovers, seenShut }: ExtensionState,
  { unseen, toChange }: { readonly unseen: readonly string[]; readonly toChange: readonly string[] },
): Finding {
  const { extension, id } = subject
  const found = leftovers?.get(extension) ?? []
  const kinds = [...new Set(found.map(({ kind }) => kind))].sort().join(', ')
  const facts = {
    extension,
    product,
    hasNextHolder: true,
    leftovers: leftovers === null ? null : kinds || 'none found',
  }
  const start = `extension ${extension} has another owner now: what is set there was left alone`
  const doubts = [
    ...(found.length > 0 ? [`this is set: ${listed(found)}`] : []),
    ...(unseen.length > 0 ? [`look for what the last one set (${unseen.join('; ')})`] : []),
  ]
  if (seenShut.has(id) || doubts.length + toChange.length === 0) {
    const summary = kinds ? `${start} (${kinds})` : start
    return { state: 'as-desired', evidence: { summary, facts } }
  }
  const steps = [
    ...(doubts.length > 0
      ? [
          `On the PBX, extension ${extension} has another owner now, and ${doubts.join('; ')}. Ask them whether it is theirs, and clear what is not.`,
        ]
      : []),
    ...toChange,
  ]
  return {
    state: 'waiting',
    evidence: { summary: `${start}, and it was never seen clean on ${product} before`, facts },
    problem: steps.join(' '),
    hint: `do the step, then \`ringfence acknowledge ${extension} extension\``,
  }
}

/** Somebody made it anew on the PBX, or gave it a password there. */
export function othersStep(extension: string, found: readonly Leftover[]): string {
  return `On the PBX, somebody else made extension ${extension}, or gave it a password, and this is set: ${listed(found)}. Whether whoever left set it or a next owner cannot be told, so it was left alone: clear what the next owner does not want.`
}

export function listed(found: readonly Leftover[]): string {
  return found.map(({ words }) => words).join('; ')
}
