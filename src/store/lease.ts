import { AppError } from '../errors.ts'
import { holderIsDead, type LeaseHolder } from './lease-holder.ts'
import type { Database, LeaseRow } from './schema.ts'
import type { Lease } from './store.ts'

/** Inside a transaction. The row stays for ever, so that the token only grows. */
export async function acquireLease(
  tx: Database,
  name: string,
  holder: LeaseHolder,
  now: Date,
  ttlMs: number,
): Promise<Lease> {
  const row = await tx.selectFrom('lease').selectAll().where('id', '=', name).executeTakeFirst()
  const other = row && heldBy(row, now)
  if (other && !sameHolder(other, holder) && !holderIsDead(other, holder.host)) {
    throw new AppError(
      'STORE_IN_USE',
      `another Ringfence (process ${other.pid} on ${hostName(other)}) is using this database`,
      {
        hint: `stop it first; if its host is gone for good, this one may start after ${row.expiresAt}`,
        retryable: true,
      },
    )
  }
  const token = (row?.token ?? 0) + 1
  const values = { token, ...holder, expiresAt: until(now, ttlMs) }
  if (row === undefined)
    await tx
      .insertInto('lease')
      .values({ id: name, ...values })
      .execute()
  else await tx.updateTable('lease').set(values).where('id', '=', name).execute()
  return { name, token, holder }
}

export async function renewLease(tx: Database, lease: Lease, now: Date, ttlMs: number): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('lease')
    .set({ expiresAt: until(now, ttlMs) })
    .where('id', '=', lease.name)
    .where('token', '=', lease.token)
    .where('host', 'is not', null)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

export async function releaseLease(tx: Database, lease: Lease): Promise<void> {
  await tx
    .updateTable('lease')
    .set({ host: null, pid: null, startedAt: null, expiresAt: null })
    .where('id', '=', lease.name)
    .where('token', '=', lease.token)
    .execute()
}

/** Who holds it now; undefined when it was given back or has run out. */
function heldBy(row: LeaseRow, now: Date): LeaseHolder | undefined {
  const { host, pid, startedAt, expiresAt } = row
  if (host === null || pid === null || startedAt === null || expiresAt === null) return undefined
  return expiresAt <= now.toISOString() ? undefined : { host, pid, startedAt }
}

function sameHolder(a: LeaseHolder, b: LeaseHolder): boolean {
  return a.host === b.host && a.pid === b.pid && a.startedAt === b.startedAt
}

function hostName(holder: LeaseHolder): string {
  return holder.host.split('/')[0] ?? holder.host
}

function until(now: Date, ttlMs: number): string {
  return new Date(now.getTime() + ttlMs).toISOString()
}
