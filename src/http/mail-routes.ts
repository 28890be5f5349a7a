/** The API beside the mails that bring links. */
import { z } from 'zod'
import { languages } from '../domain/language.ts'
import type { Application } from '../journeys/application.ts'
import { emptyRequest, listOf, mailChoice } from './api-shapes.ts'
import { type Route, route, v1 } from './route.ts'

const time = z.string().describe('ISO 8601, UTC')

const mail = z.object({
  id: z.string(),
  employeeId: z.string(),
  kind: z.string(),
  recipient: z.string(),
  language: z.enum(languages),
  state: z.enum(['queued', 'sent', 'failed', 'cancelled']),
  words: z.string().describe('what became of it; for people'),
  attempts: z.int(),
  nextTryAt: time.nullable(),
  lastProblem: z.string().nullable(),
  createdAt: time,
  sentAt: time.nullable().describe('when the mail server took it; whether it arrived nobody tells'),
  expiresAt: time.describe('when its link runs out'),
})

const mailSettings = z.object({ server: z.string(), from: z.string(), language: z.enum(languages) })
const testRequest = z.strictObject({ address: z.string().max(254), language: mailChoice.optional() })

export function mailRoutes({ mails }: Application): readonly Route[] {
  return [
    route(
      'get',
      `${v1}/employees/:id/mails`,
      'read',
      { summary: 'The mails to an employee, newest first', answer: listOf(mail) },
      async ({ parameters }) => ({ items: await mails.ofPerson(parameters.id) }),
    ),
    route(
      'post',
      `${v1}/mails/:id/retry`,
      'onboard',
      { summary: 'Try a mail that waits now', body: emptyRequest, answer: mail },
      ({ parameters, actor }) => mails.tryNow(parameters.id, actor),
    ),
    route(
      'post',
      `${v1}/mails/:id/cancel`,
      'onboard',
      { summary: 'Call a mail back that was not sent yet', body: emptyRequest, answer: mail },
      ({ parameters, actor }) => mails.cancel(parameters.id, actor),
    ),
    route(
      'get',
      `${v1}/mail`,
      'read',
      {
        summary: 'How mails are sent; null where no mail server is configured',
        answer: z.object({ settings: mailSettings.nullable() }),
      },
      async () => ({ settings: mails.settings() }),
    ),
    route(
      'post',
      `${v1}/mail/test`,
      'administer',
      {
        summary: 'Send a letter without a link, to see whether mails go out',
        body: testRequest,
        answer: mailSettings.extend({ address: z.string(), durationMs: z.int() }),
      },
      ({ body, actor }) => mails.test(body.address, body.language ?? 'default', actor),
    ),
  ]
}
