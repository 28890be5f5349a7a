/** Handsets under /api/v1: the export of exactly what is filtered, and what is done with one. */
import type { Application } from '../journeys/application.ts'
import type { HandsetRow } from '../journeys/handsets-view.ts'
import { blanked, employee, emptyRequest, phonePasswords, resynced } from './api-shapes.ts'
import { doorsInWords } from './door-words.ts'
import { csvDownload, pagesOf } from './download.ts'
import { asHandsetQuery, handsetQuery } from './handset-query.ts'
import { type Route, route, v1 } from './route.ts'

export function handsetRoutes(application: Application): readonly Route[] {
  return [
    route(
      'get',
      `${v1}/handsets.csv`,
      'read',
      { summary: 'The handsets that match, as CSV', query: handsetQuery, answer: 'text/csv' },
      ({ query, response, signal }) => {
        const pieces = pagesOf(
          async (part) => (await application.handsets.page({ ...asHandsetQuery(query), ...part })).handsets,
        )
        return csvDownload({ response, signal, name: 'handsets.csv', pieces }, columns, cells)
      },
    ),
    route(
      'delete',
      `${v1}/handsets/:id`,
      'revoke',
      { summary: 'Take a handset back', answer: employee },
      ({ parameters, actor }) => application.removeHandset(parameters.id, actor),
    ),
    route(
      'post',
      `${v1}/handsets/:id/resync`,
      'onboard',
      { summary: 'Tell a phone to fetch its files again', body: emptyRequest, answer: resynced },
      ({ parameters, actor }) => application.resyncHandset(parameters.id, actor),
    ),
    route(
      'post',
      `${v1}/handsets/:id/blank`,
      'revoke',
      {
        summary: 'Take a handset back; it is blanked when it next fetches its files',
        body: emptyRequest,
        answer: blanked,
      },
      ({ parameters, actor }) => application.blankHandset(parameters.id, actor),
    ),
    route(
      'post',
      `${v1}/handsets/:id/passwords`,
      'revoke',
      { summary: "The passwords of a phone's own pages; recorded", body: emptyRequest, answer: phonePasswords },
      async ({ parameters, actor }) => {
        const { admin, user, generation } = await application.showPhonePasswords(parameters.id, actor)
        return { admin: admin?.reveal() ?? null, user: user?.reveal() ?? null, generation }
      },
    ),
  ]
}

const columns = [
  'model',
  'mac',
  'holder',
  'email',
  'extension',
  'status',
  'gateway',
  'addresses',
  'last_handshake',
  'firmware_seen',
  'seen_at',
  'warnings',
  'certificate_serial',
  'certificate_until',
  'doors',
  'taken_back',
  'tombstone_fetched',
]

function cells({ handset, employee: holder, gateway, tunnel, access }: HandsetRow): readonly string[] {
  const { model, mac, status, seen, warnings, certificate, removedAt, blankedAt } = handset
  return [
    model,
    mac ?? '',
    holder.name,
    holder.email,
    holder.extension,
    status,
    gateway?.kind ?? '',
    tunnel?.addresses.join(' ') ?? '',
    tunnel?.lastHandshakeAt ?? '',
    seen?.firmware ?? '',
    seen?.at ?? '',
    warnings.join('; '),
    certificate?.serial ?? '',
    certificate?.notAfter ?? '',
    doorsInWords(access),
    removedAt ?? '',
    blankedAt ?? '',
  ]
}
