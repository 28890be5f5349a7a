/** The API beside the lists of people: the export of exactly what is filtered, and leaving dates. */
import { z } from 'zod'
import type { Application, EmployeeView } from '../journeys/application.ts'
import { lastHeard } from '../journeys/people-view.ts'
import { listOf } from './api-shapes.ts'
import { doorsInWords } from './door-words.ts'
import { csvDownload, pagesOf } from './download.ts'
import { asQuery, peopleQuery } from './people-query.ts'
import { leaving, leavingRequest, openStep } from './people-shapes.ts'
import { type Route, route, v1 } from './route.ts'

export function peopleRoutes(application: Application): readonly Route[] {
  return [
    route(
      'get',
      `${v1}/employees.csv`,
      'read',
      { summary: 'The employees that match, as CSV', query: peopleQuery, answer: 'text/csv' },
      ({ query, response, signal }) => {
        const pieces = pagesOf(async (part) => (await application.people.page({ ...asQuery(query), ...part })).people)
        return csvDownload({ response, signal, name: 'people.csv', pieces }, columns, cells)
      },
    ),
    route(
      'get',
      `${v1}/steps`,
      'read',
      { summary: 'Steps that wait for a person, oldest first', answer: listOf(openStep) },
      async () => ({ items: await application.people.openSteps() }),
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
    doorsInWords(view.access),
    view.createdAt,
    view.offboardRequestedAt ?? '',
    view.offboardedAt ?? '',
  ]
}
