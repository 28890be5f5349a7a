/** The audit log to take along: as a table, and as lines with which the chain can be checked elsewhere. */
import type { Application } from '../journeys/application.ts'
import type { AuditLine } from '../journeys/records-view.ts'
import { chunk, csvDownload, download } from './download.ts'
import { asAuditQuery, auditQuery } from './record-query.ts'
import { type Route, route, v1 } from './route.ts'

export function auditRoutes(application: Application): readonly Route[] {
  return [
    route(
      'get',
      `${v1}/audit.csv`,
      'read',
      { summary: 'The audit events that match, newest first, as CSV', query: auditQuery, answer: 'text/csv' },
      ({ query, response, signal }) => {
        const pieces = auditPages(application, query)
        return csvDownload({ response, signal, name: 'audit.csv', pieces }, columns, cells)
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
      ({ query, response, signal }) => {
        const pieces = jsonLines(auditPages(application, query))
        return download({ response, signal, name: 'audit.jsonl', pieces }, 'application/jsonl')
      },
    ),
  ]
}

/** By position and not by number: it grows while it is read. */
async function* auditPages(
  application: Application,
  query: Parameters<typeof asAuditQuery>[0],
): AsyncGenerator<readonly AuditLine[]> {
  let before: number | null | undefined
  while (before !== null) {
    const asked = { ...asAuditQuery(query), ...(before === undefined ? {} : { before }), limit: chunk }
    const { events, next } = await application.records.audit(asked)
    yield events
    before = next
  }
}

async function* jsonLines(pages: AsyncIterable<readonly AuditLine[]>): AsyncGenerator<string> {
  for await (const events of pages) yield events.map((event) => `${JSON.stringify(chainLink(event))}\n`).join('')
}

const columns = ['position', 'at', 'kind', 'what', 'by', 'via', 'person', 'employee', 'subject', 'particulars', 'hash']

function cells(event: AuditLine): readonly string[] {
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
