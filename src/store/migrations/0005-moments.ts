import type { Kysely } from 'kysely'
import { widen } from './widen.ts'

/** Passkeys that were removed, and the moment that the database has reached, go into the journal too. */
export function up(db: Kysely<unknown>): Promise<void> {
  return widen(db, {
    name: 'withdrawal',
    column: 'kind',
    values: ['api-token', 'invite', 'door-links', 'enrolment-link', 'sip-secret', 'passkey', 'moment'],
    columns: {
      kind: 'text',
      subjectId: 'text',
      employeeId: 'text?',
      at: 'text',
      generation: 'integer',
    },
    allowed: {},
    indexes: [],
  })
}
