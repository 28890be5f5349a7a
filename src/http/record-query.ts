/** The filters of audit log and ledger as they stand in an address; what cannot be read counts as not given. */
import { z } from 'zod'
import type { LedgerQuery } from '../journeys/handsets-view.ts'
import type { AuditQuery } from '../journeys/records-view.ts'

export const recordPageSize = 50

const word = z.string().trim().min(1).max(254).optional().catch(undefined)
/** As `<input type="date">` sends it. */
const date = z.iso.date().optional().catch(undefined)

export const auditQuery = z.object({
  who: word,
  subject: word,
  kind: z
    .string()
    .regex(/^[a-z-]+(\.[a-z-]+)?$/)
    .max(60)
    .optional()
    .catch(undefined),
  since: date,
  until: date,
  before: z.coerce
    .number()
    .int()
    .min(1)
    .max(2 ** 31)
    .optional()
    .catch(undefined),
})

export type AuditAsked = z.output<typeof auditQuery>

export function asAuditQuery({ who, subject, kind, since, until, before }: AuditAsked): Omit<AuditQuery, 'limit'> {
  return {
    ...(who && { who }),
    ...(subject && { subject }),
    ...(kind && { kind }),
    ...days(since, until),
    ...(before && { before }),
  }
}

export const ledgerQuery = z.object({
  who: word,
  handset: word,
  address: word,
  outcome: z.enum(['served', 'not-modified', 'blanked', 'refused']).optional().catch(undefined),
  reason: word,
  since: date,
  until: date,
  before: z.string().max(64).optional().catch(undefined),
})

export type LedgerAsked = z.output<typeof ledgerQuery>

export function asLedgerQuery({ since, until, ...asked }: LedgerAsked): Omit<LedgerQuery, 'limit'> {
  const { who, handset, address, outcome, reason, before } = asked
  return {
    ...(who && { who }),
    ...(handset && { handset }),
    ...(address && { address }),
    ...(outcome && { outcome }),
    ...(reason && { reason }),
    ...days(since, until),
    ...(before && { before }),
  }
}

/** Whole days of this server's zone, the last one included. */
function days(since: string | undefined, until: string | undefined): { since?: string; until?: string } {
  const midnight = (day: string, later: number) => {
    const [year = 0, month = 1, date = 1] = day.split('-').map(Number)
    return new Date(year, month - 1, date + later).toISOString()
  }
  return { ...(since && { since: midnight(since, 0) }), ...(until && { until: midnight(until, 1) }) }
}
