/** The API beside the lists of handsets and the audit log: exports of exactly what is filtered. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Response } from 'express'
import type { Application } from '../journeys/application.ts'
import type { HandsetRow } from '../journeys/handsets-view.ts'
import type { AuditLine } from '../journeys/records-view.ts'
import { asAuditQuery, auditQuery } from './audit-query.ts'
import { csvLine } from './csv-line.ts'
import { asHandsetQuery, handsetQuery } from './handset-query.ts'
import { doorName, doorState } from './pages/doors-picture.ts'
import { type Route, route } from './route.ts'
import { written } from './written.ts'

const v1 = '/api/v1'
const chunk = 250

export function handsetRoutes(application: Application): readonly Route[] {
  return [
    route(
      'get',
      `${v1}/handsets.csv`,
      'read',
      { summary: 'The handsets that match, as CSV', query: handsetQuery, answer: 'text/csv' },
      async ({ query, response, signal }) => {
        download(response, 'text/csv; charset=utf-8', 'handsets.csv')
        // UTF-8 with a mark at the beginning: what spreadsheets need to take it for that.
        await written(response, `\uFEFF${csvLine(handsetColumns)}`, signal)
        for (let offset = 0; !signal.aborted; offset += chunk) {
          const { handsets } = await application.handsets.page({ ...asHandsetQuery(query), offset, limit: chunk })
          await written(response, handsets.map((row) => csvLine(handsetCells(row))).join(''), signal)
          if (handsets.length < chunk) break
          // Ten thousand of them must not keep the others waiting.
          await nextTurn()
        }
        response.end()
      },
    ),
    route(
      'get',
      `${v1}/audit.csv`,
      'read',
      { summary: 'The audit events that match, newest first, as CSV', query: auditQuery, answer: 'text/csv' },
      async ({ query, response, signal }) => {
        download(response, 'text/csv; charset=utf-8', 'audit.csv')
        await written(response, `\uFEFF${csvLine(auditColumns)}`, signal)
        for await (const events of auditPages(application, query, signal))
          await written(response, events.map((event) => csvLine(auditCells(event))).join(''), signal)
        response.end()
      },
    ),
    route(
      'get',
      `${v1}/audit.jsonl`,
      'read',
      {
        summary: 'The audit events that match, newest first, one JSON object a line, with the hashes of the chain',
        query: auditQuery,
        answer: 'application/jsonl',
      },
      async ({ query, response, signal }) => {
        download(response, 'application/jsonl', 'audit.jsonl')
        for await (const events of auditPages(application, query, signal))
          await written(response, events.map((event) => `${JSON.stringify(chainLink(event))}\n`).join(''), signal)
        response.end()
      },
    ),
  ]
}

function download(response: Response, type: string, name: string): void {
  response.type(type).set('Content-Disposition', `attachment; filename="${name}"`)
}

async function* auditPages(
  application: Application,
  query: Parameters<typeof asAuditQuery>[0],
  signal: AbortSignal,
): AsyncGenerator<readonly AuditLine[]> {
  let before: number | null | undefined
  while (before !== null && !signal.aborted) {
    const asked = { ...asAuditQuery(query), ...(before === undefined ? {} : { before }), limit: chunk }
    const { events, next } = await application.records.audit(asked)
    yield events
    before = next
    await nextTurn()
  }
}

const handsetColumns = [
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

function handsetCells({ handset, employee, gateway, tunnel, access }: HandsetRow): readonly string[] {
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
    access.map((line) => `${doorName(line.system)}: ${doorState(line)}`).join(', '),
    removedAt ?? '',
    blankedAt ?? '',
  ]
}

const auditColumns = [
  'position',
  'at',
  'kind',
  'what',
  'by',
  'via',
  'person',
  'employee',
  'subject',
  'particulars',
  'hash',
]

function auditCells(event: AuditLine): readonly string[] {
  const { position, at, kind, text, by, via, employee, subjectId, detail, hash } = event
  const person = employee?.name ?? ''
  return [
    String(position),
    at,
    kind,
    text,
    by ?? '',
    via ?? '',
    person,
    employee?.id ?? '',
    subjectId ?? '',
    detail ?? '',
    hash,
  ]
}

/** Word for word what is hashed (domain/audit.ts), so that the chain can be checked elsewhere. */
function chainLink({ id, position, at, kind, employee, subjectId, detail, commitment, previousHash, hash }: AuditLine) {
  return {
    position,
    id,
    at,
    kind,
    employeeId: employee?.id ?? null,
    subjectId,
    commitment,
    previousHash,
    hash,
    detail: detail === null ? null : JSON.parse(detail),
  }
}
