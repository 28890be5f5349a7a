import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Office } from '../lab/network.ts'
import { inPostgres, type RealtimeOptions, realtimeSetup } from '../lab/realtime-world.ts'
import type { AccountPlace } from '../lab/spine.ts'
import type { BenchRow } from './bench-row.ts'
import { convergenceRow } from './convergence.ts'

export async function rows(): Promise<readonly BenchRow[]> {
  return [await convergenceRow('in PostgreSQL', { place: inTables, seedMs: 600_000 })]
}

async function inTables(root: string, office: Office): Promise<AccountPlace> {
  const options: RealtimeOptions = { engine: 'postgres' }
  const tables = await inPostgres(options, office.pbx.name)
  const database = tables.database()
  if (!('postgres' in database)) throw new Error('no PostgreSQL')
  const urlFile = join(root, 'pbx-database-url')
  writeFileSync(urlFile, database.postgres.reveal(), { mode: 0o600 })
  return {
    asterisk: realtimeSetup(options, tables),
    settings: { PBX_ACCOUNTS: 'realtime', PBX_DATABASE_URL_FILE: urlFile },
    stop: tables.stop,
  }
}
