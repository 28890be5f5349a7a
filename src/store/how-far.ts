/** How far newly onboarded people are: one query a table for all of them. */
import { sql } from 'kysely'
import { chunks, type Database, snapshot } from './schema.ts'
import type { HowFar } from './store.ts'

export function howFar(db: Database, employeeIds: readonly string[]): Promise<ReadonlyMap<string, HowFar>> {
  return snapshot(db, async (tx) => {
    const found = new Map<string, { -readonly [K in keyof HowFar]: HowFar[K] }>()
    for (const ids of chunks(employeeIds)) {
      for (const id of ids)
        found.set(id, { onPbx: false, pbxWaits: false, invited: false, connected: false, mail: null })
      for (const id of await onPbx(tx, ids)) found.get(id)!.onPbx = true
      for (const id of await waiting(tx, ids)) found.get(id)!.pbxWaits = true
      for (const id of await opened(tx, ids)) found.get(id)!.invited = true
      for (const id of await heard(tx, ids)) found.get(id)!.connected = true
      const mails = await tx.selectFrom('mail').selectAll().where('employeeId', 'in', ids).orderBy('id').execute()
      for (const mail of mails) {
        const one = found.get(mail.employeeId)!
        one.mail = mail
        if (mail.state === 'sent') one.invited = true
      }
    }
    return found
  })
}

/** Every account that should be there was seen there, or somebody vouches for it (domain/condition.ts). */
async function onPbx(db: Database, ids: readonly string[]): Promise<string[]> {
  const rows = await db
    .selectFrom('verdict')
    .select('employeeId')
    .where('employeeId', 'in', ids)
    .where('system', '=', 'sip-account')
    .where('wanted', '=', 'open')
    .groupBy('employeeId')
    .having(
      sql<boolean>`min(case when "state" = 'converged' or ("state" <> 'retrying' and "acknowledgedAt" is not null) then 1 else 0 end) = 1`,
    )
    .execute()
  return rows.flatMap(({ employeeId }) => employeeId ?? [])
}

async function waiting(db: Database, ids: readonly string[]): Promise<string[]> {
  const rows = await db
    .selectFrom('verdict')
    .select('employeeId')
    .distinct()
    .where('employeeId', 'in', ids)
    .where('system', '=', 'sip-account')
    .where('state', '=', 'waiting')
    .where('acknowledgedAt', 'is', null)
    .execute()
  return rows.flatMap(({ employeeId }) => employeeId ?? [])
}

async function opened(db: Database, ids: readonly string[]): Promise<string[]> {
  const rows = await db
    .selectFrom('doorFetch')
    .select('employeeId')
    .distinct()
    .where('employeeId', 'in', ids)
    .where('reason', '=', 'invite')
    .where('outcome', '=', 'served')
    .execute()
  return rows.flatMap(({ employeeId }) => employeeId ?? [])
}

async function heard(db: Database, ids: readonly string[]): Promise<string[]> {
  const rows = await db
    .selectFrom('handset')
    .innerJoin('tunnel', (join) =>
      join.on((eb) => eb('tunnel.carrierId', '=', eb.fn.coalesce('handset.gatewayId', 'handset.id'))),
    )
    .select('handset.employeeId')
    .distinct()
    .where('handset.employeeId', 'in', ids)
    .where('tunnel.firstHandshakeAt', 'is not', null)
    .execute()
  return rows.map(({ employeeId }) => employeeId)
}
