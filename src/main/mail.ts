import { join } from 'node:path'
import type { Config } from '../config.ts'
import type { JourneyContext, Log } from '../journeys/context.ts'
import { loadLetters } from '../notify/letters.ts'
import type { Patience } from '../notify/smtp-mailer.ts'
import { templates } from './foundations.ts'

/** Null where no mail server is configured. */
export async function openMail(
  { mail, dataFolder }: Pick<Config, 'mail' | 'dataFolder'>,
  log: Log,
  patience?: Patience,
): Promise<JourneyContext['mail']> {
  if (mail === null) return null
  // With its library it weighs 7 MB, which a server without mail need not have.
  const { smtpMailer } = await import('../notify/smtp-mailer.ts')
  return {
    mailer: smtpMailer(mail, patience),
    letters: await loadLetters({
      delivered: join(templates, 'messages'),
      own: join(dataFolder, 'templates', 'messages'),
      onProblem: (problem) => log.warn({ err: problem }, problem.message),
    }),
  }
}
