/** What doctor says of the templates: as the folders are now, whether or not they are in use yet. */
import { asAppError } from '../errors.ts'
import type { LoadedTemplates } from '../phones/phone-port.ts'
import type { JourneyContext } from './context.ts'
import type { DoctorCheck } from './doctor-view.ts'
import { lostModels } from './reload-templates.ts'

export async function templateChecks(
  { store, catalogue }: JourneyContext,
  load: () => Promise<LoadedTemplates>,
): Promise<DoctorCheck[]> {
  const lost = lostModels(await store.find('handset', { removedAt: null }), catalogue)
  const missing =
    lost === null
      ? []
      : [
          check(
            'problem',
            `handsets are handed out whose model no template knows, so that they get no file: ${lost}`,
            'put the folder of this vendor back, then `ringfence templates reload`',
          ),
        ]
  try {
    return [...missing, ...folderChecks(await load(), catalogue.edition)]
  } catch (error) {
    return [...missing, ...mistakes(error)]
  }
}

/** Words of mails. Unlike a phone's file a mail need not wait: it goes out with the delivered words. */
export async function letterChecks({ mail }: JourneyContext): Promise<DoctorCheck[]> {
  if (mail === null) return []
  const fallsBack = 'until then mails go out with the delivered words'
  try {
    const { replaced, unused, problems } = await mail.letters.own()
    const note = (message: string, hint: string) => check('note', message, hint)
    return [
      ...problems.map(({ message, hint }) => check('problem', message, `${hint}; ${fallsBack}`)),
      ...(replaced.length === 0
        ? []
        : [note(`mails: your own words stand in for ${replaced.join(', ')}`, '`ringfence mail test` shows one')]),
      ...(unused.length === 0
        ? []
        : [note(`mails: nothing uses ${unused.join(', ')}`, 'docs/mail.md names the files')]),
    ]
  } catch (error) {
    const { message, hint } = asAppError(error)
    return [check('problem', message, `${hint}; ${fallsBack}`)]
  }
}

function folderChecks({ catalogue, replaced, unused }: LoadedTemplates, edition: string): DoctorCheck[] {
  const checks = [
    replaced.length === 0
      ? check('ok', 'no delivered template is replaced', null)
      : check(
          'note',
          `your own stand in for ${replaced.join(', ')}`,
          'after an update compare them with the delivered ones, which may have learnt something',
        ),
  ]
  if (unused.length > 0)
    checks.push(
      check('note', `nothing uses ${unused.join(', ')}`, 'a file counts under the name of the one that it replaces'),
    )
  if (catalogue.edition !== edition)
    checks.push(
      check('note', 'the templates were changed since they were read', '`ringfence templates reload --dry-run`'),
    )
  return checks
}

/** What is in use goes on; the next start would stop here. */
function mistakes(error: unknown): DoctorCheck[] {
  const { code, message, hint, problems } = asAppError(error)
  const all = code === 'TEMPLATE_INVALID' && problems.length > 0 ? problems : []
  const told = all.map((problem) =>
    problem.field === undefined ? problem.message : `${problem.field}: ${problem.message}`,
  )
  // Several wrong files name themselves; one wrong manifest is named by the message alone.
  const lines = told.length === 0 ? [message] : all.some(({ field }) => field === undefined) ? told : [message, ...told]
  return lines.map((line, index) => check('problem', line, index === lines.length - 1 ? (hint ?? null) : null))
}

function check(state: DoctorCheck['state'], message: string, hint: string | null): DoctorCheck {
  return { area: 'templates', state, message, hint }
}
