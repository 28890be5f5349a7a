/** What stands in the server's database and what is really there, side by side, read without asking the server. */
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { z } from 'zod'
import { until } from './network.ts'
import type { Spine } from './spine.ts'

export interface AuditRecord {
  readonly position: number
  readonly kind: string
  readonly employeeId: string | null
  readonly subjectId: string | null
  readonly detail: string
}

const auditRecords = z.array(
  z.object({
    position: z.number(),
    kind: z.string(),
    employeeId: z.string().nullable(),
    subjectId: z.string().nullable(),
    detail: z.string(),
  }),
)

export function auditOf(spine: Spine, kind: string): readonly AuditRecord[] {
  return auditRecords.parse(
    rows(
      spine,
      `select position, kind, employeeId, subjectId, coalesce(detail, '') as detail
       from auditEvent left join auditDetail on eventId = auditEvent.id where kind = ? order by position`,
      kind,
    ),
  )
}

/** A copy as an admin's nightly job makes it, while the server runs (SQLite: VACUUM INTO). */
export function backUpDatabase(spine: Spine, path: string): void {
  const database = open(spine)
  try {
    database.prepare('vacuum into ?').run(path)
  } finally {
    database.close()
  }
}

export function databaseFile(spine: Spine): string {
  return join(spine.server.dataFolder, 'ringfence.db')
}

/**
 * Of all tunnels that are open by the database: public key and prefixes, as lines of `wg show … allowed-ips`. A key that
 * waits for its first handshake has none yet.
 */
export function wantedPeers(spine: Spine): readonly string[] {
  const listing = z.array(z.object({ publicKey: z.string(), prefixes: z.string().nullable() })).parse(
    rows(
      spine,
      `select publicKey, (select group_concat(prefix, ' ') from tunnelAddress where tunnelId = tunnel.id and releasedAt is null) as prefixes
       from tunnel where closedAt is null and publicKey is not null
       union all select nextPublicKey, '(none)' from tunnel where closedAt is null and nextPublicKey is not null`,
    ),
  )
  return listing.map(({ publicKey, prefixes }) => `${publicKey}\t${prefixes}`).sort()
}

export async function realPeers(spine: Spine): Promise<readonly string[]> {
  const listing = await spine.office.hub.run('wg', 'show', spine.interface, 'allowed-ips')
  return listing.split('\n').filter(Boolean).sort()
}

export function liveCredentials(spine: Spine): readonly string[] {
  const listing = z
    .array(z.object({ id: z.string(), generation: z.number() }))
    .parse(rows(spine, 'select id, generation from sipCredential where closedAt is null'))
  return listing.map(({ id, generation }) => `${id}-g${generation}`).sort()
}

/** Of Ringfence, as the running Asterisk lists them. */
export function realCredentials(spine: Spine): readonly string[] {
  const listing = spine.asterisk.cli('pjsip show auths')
  return [...listing.matchAll(/Auth: +[0-9]+-(\S+-g[0-9]+)\//g)].map(([, name]) => name!).sort()
}

export function revokedSerials(spine: Spine): readonly string[] {
  const listing = z
    .array(z.object({ serial: z.string() }))
    .parse(rows(spine, 'select serial from certificate where revokedAt is not null'))
  return listing.map(({ serial }) => serial).sort()
}

/** Waits until the PBX was looked at this often from now on; all systems are looked at in the same rhythm. */
export async function untilSwept(spine: Spine, times = 3): Promise<void> {
  const looks = () => spine.asterisk.log().split("Manager 'ringfence' logged on").length
  const end = looks() + times
  await until(() => looks() >= end, 30_000)
}

function rows(spine: Spine, query: string, ...values: string[]): unknown {
  const database = open(spine)
  try {
    return database.prepare(query).all(...values)
  } finally {
    database.close()
  }
}

function open(spine: Spine): DatabaseSync {
  return new DatabaseSync(databaseFile(spine), { readOnly: true, timeout: 5_000 })
}
