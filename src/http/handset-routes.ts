/** The API beside the list of handsets: the export of exactly what is filtered. */
import type { Application } from '../journeys/application.ts'
import type { HandsetRow } from '../journeys/handsets-view.ts'
import { doorsInWords } from './door-words.ts'
import { csvDownload, pagesOf } from './download.ts'
import { asHandsetQuery, handsetQuery } from './handset-query.ts'
import { type Route, route } from './route.ts'

export function handsetRoutes(application: Application): readonly Route[] {
  return [
    route(
      'get',
      '/api/v1/handsets.csv',
      'read',
      { summary: 'The handsets that match, as CSV', query: handsetQuery, answer: 'text/csv' },
      ({ query, response, signal }) => {
        const pieces = pagesOf(
          async (part) => (await application.handsets.page({ ...asHandsetQuery(query), ...part })).handsets,
        )
        return csvDownload({ response, signal, name: 'handsets.csv', pieces }, columns, cells)
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

function cells({ handset, employee, gateway, tunnel, access }: HandsetRow): readonly string[] {
  const { model, mac, status, seen, warnings, certificate, removedAt, blankedAt } = handset
  return [
    model,
    mac ?? '',
    employee.name,
    employee.email,
    employee.extension,
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
