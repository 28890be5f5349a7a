/** The API around rosters. */
import { z } from 'zod'
import type { Application } from '../journeys/application.ts'
import { mailChoice } from './api-shapes.ts'
import { importRun } from './import-shapes.ts'
import { type Route, route, v1 } from './route.ts'

export function importRoutes(application: Application): readonly Route[] {
  return [
    route(
      'post',
      `${v1}/imports`,
      'onboard',
      {
        summary: 'Onboard everybody in a roster',
        body: 'csv',
        query: z.strictObject({ mail: mailChoice.optional().describe('sends each link by mail') }),
        answer: importRun,
        status: 202,
      },
      async ({ request, query, actor, response }) => {
        const run = await application.importRoster(bytesOf(request.body), actor, query.mail)
        response.location(`${v1}/imports/${run.id}`)
        return run
      },
    ),
    // Not `read`: it shows invite links.
    route(
      'get',
      `${v1}/imports/:id`,
      'onboard',
      { summary: 'How far an import is', answer: importRun },
      ({ parameters, actor }) => application.importRun(parameters.id, actor),
    ),
  ]
}

function bytesOf(body: unknown): Uint8Array {
  return z.instanceof(Uint8Array).parse(body)
}
