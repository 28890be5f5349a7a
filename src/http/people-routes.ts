/** The API beside the lists of people: the export of exactly what is filtered, and leaving dates. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { z } from 'zod'
import type { Application, EmployeeView } from '../journeys/application.ts'
import { csvLine } from './csv-line.ts'
import { doorName, doorState } from './pages/doors-picture.ts'
import { lastHeard } from './pages/people-page.ts'
import { asQuery, peopleQuery } from './people-query.ts'
import { leaving, leavingRequest } from './people-shapes.ts'
import { type Route, route } from './route.ts'
import { written } from './written.ts'

const v1 = '/api/v1'
const chunk = 250

export function peopleRoutes(application: Application): readonly Route[] {
  return [
    route(
      'get',
      `${v1}/employees.csv`,
      'read',
      { summary: 'The employees that match, as CSV', query: peopleQuery, answer: 'text/csv' },
      async ({ query, response, signal }) => {
        response.type('text/csv; charset=utf-8').set('Content-Disposition', 'attachment; filename="people.csv"')
        // UTF-8 with a mark at the beginning: what spreadsheets need to take it for that.
        await written(response, `\uFEFF${csvLine(columns)}`, signal)
        for (let offset = 0; !signal.aborted; offset += chunk) {
          const { people } = await application.people.page({ ...asQuery(query), offset, limit: chunk })
          await written(response, people.map((view) => csvLine(cells(view))).join(''), signal)
          if (people.length < chunk) break
          // Ten thousand people must not keep the others waiting.
          await nextTurn()
        }
        response.end()
      },
    ),
    route(
      'get',
      `${v1}/employees/:id/leaving`,
      'read',
      {
        summary: 'The leaving date that is set ahead; null when there is none',
        answer: z.object({ leaving: leaving.nullable() }),
      },
      async ({ parameters }) => ({ leaving: await application.people.leaving(parameters.id) }),
    ),
    route(
      'post',
      `${v1}/employees/:id/leaving`,
      'revoke',
      {
        summary: 'Set a leaving date ahead, in place of one that is set',
        body: leavingRequest,
        answer: leaving,
        status: 201,
      },
      ({ parameters, body: { at, reason = null }, actor }) =>
        application.people.setLeaving(parameters.id, { at, reason }, actor),
    ),
    route(
      'delete',
      `${v1}/employees/:id/leaving`,
      'revoke',
      { summary: 'Cancel the leaving date', answer: leaving },
      ({ parameters, actor }) => application.people.cancelLeaving(parameters.id, actor),
    ),
  ]
}

const columns = [
  'name',
  'email',
  'extension',
  'state',
  'handsets',
  'last_handshake',
  'doors',
  'onboarded',
  'offboarding_asked',
  'offboarded',
]

function cells(view: EmployeeView): readonly string[] {
  const inUse = view.handsets.filter(({ removedAt }) => removedAt === null)
  return [
    view.name,
    view.email,
    view.extension,
    view.lifecycle,
    inUse.map(({ model, mac }) => (mac === null ? model : `${model} ${mac}`)).join(', '),
    lastHeard(view) ?? '',
    view.access.map((line) => `${doorName(line.system)}: ${doorState(line)}`).join(', '),
    view.createdAt,
    view.offboardRequestedAt ?? '',
    view.offboardedAt ?? '',
  ]
}
