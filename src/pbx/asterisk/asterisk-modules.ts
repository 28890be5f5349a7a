import type { Problem } from '../pbx-problem.ts'
import { type AmiSession, field } from './ami-conversation.ts'

export async function isLoaded(session: AmiSession, module: string): Promise<boolean> {
  return field(await session.ask({ Action: 'ModuleCheck', Module: module }), 'Response') === 'Success'
}

/** For `doctor`. `effect`: what does not work without it. */
export async function moduleProblem(session: AmiSession, module: string, effect: string): Promise<Problem | null> {
  if (await isLoaded(session, module)) return null
  return { message: `${module}.so is not loaded: ${effect}`, hint: `load it: asterisk -rx "module load ${module}.so"` }
}

/** For the actions of modules that ask for the class `reporting`, such as those of the dialplan and of voicemail. */
export const reportingHint =
  'set `write = system,reporting` for the manager user in manager.conf, and run: asterisk -rx "module reload manager"'
