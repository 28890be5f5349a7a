import type { Problem } from '../pbx-problem.ts'
import type { AmiSession } from './ami-conversation.ts'
import type { AsteriskOptions } from './asterisk-options.ts'

/**
 * For `doctor`: contexts that the settings name and the running dialplan does not have. Asterisk takes an endpoint with such
 * a context without a word, and each of its calls fails. Where the manager user may not look, nothing is said of it here.
 */
export async function contextProblems(
  { context, internalContext }: Pick<AsteriskOptions, 'context' | 'internalContext'>,
  session: AmiSession,
): Promise<readonly Problem[]> {
  if (!(await session.act({ Action: 'ListCommands' })).has('showdialplan')) return []
  const named = [
    [context, 'RINGFENCE_PBX_CONTEXT', 'every call of a phone that Ringfence set up fails'],
    [
      internalContext,
      'RINGFENCE_PBX_INTERNAL_CONTEXT',
      'what is internal there is refused to whoever may only dial such',
    ],
  ] as const
  const problems: Problem[] = []
  for (const [name, setting, effect] of named) {
    if (name === null) continue
    // A context in which nothing stands leads nowhere either.
    const entries = await session.list({ Action: 'ShowDialPlan', Context: name }, `Did not find context ${name}`)
    if (entries.length > 0) continue
    problems.push({
      message: `the dialplan has no context ${name}, or nothing in it: ${effect}`,
      hint: `make it in extensions.conf and run: asterisk -rx "dialplan reload"; or name the right one in ${setting}`,
    })
  }
  return problems
}
