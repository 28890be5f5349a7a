import type { Migration } from 'kysely/migration'
import * as firstTables from './migrations/0001-first-tables.ts'

/** In order. Forward only, and for both databases; what runs on them is in the contract suite. */
export const migrations: Readonly<Record<string, Migration>> = {
  '0001-first-tables': firstTables,
}
