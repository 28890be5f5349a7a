import type { Application } from '../journeys/application.ts'
import { emptyRequest, listOf } from './api-shapes.ts'
import { dryRunQuery, filePreview, handsetFile, templateReload } from './file-shapes.ts'
import { type Route, route, v1 } from './route.ts'

/** What phones get, looked at with masks for its secrets, and the templates it is made from. */
export function templateRoutes(application: Application): readonly Route[] {
  return [
    route(
      'get',
      `${v1}/handsets/:id/files`,
      'read',
      {
        summary: 'The files of a handset, and whether they differ from what it last fetched',
        answer: listOf(handsetFile),
      },
      async ({ parameters }) => ({ items: await application.handsetFiles(parameters.id) }),
    ),
    route(
      'get',
      `${v1}/handsets/:id/files/:name/preview`,
      'read',
      { summary: 'A file as the handset would get it now, every secret masked', answer: filePreview },
      ({ parameters }) => application.previewFile(parameters.id, parameters.name),
    ),
    route(
      'post',
      `${v1}/templates/reload`,
      'administer',
      {
        summary: 'Read the templates again, say whose files change, and use them unless it is a dry run',
        body: emptyRequest,
        query: dryRunQuery,
        answer: templateReload,
      },
      ({ query, actor }) => application.reloadTemplates({ dryRun: query.dryRun === 'true' }, actor),
    ),
  ]
}
