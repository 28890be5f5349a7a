import { type Kysely, sql } from 'kysely'
import { isPostgres } from '../schema.ts'

/** What phones say of themselves, their link of before a new invite, reserved addresses behind a gateway, a gateway's tokens, settings and last files. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const postgres = isPostgres(db)
  // Byte order in both databases, as in the first tables.
  const text = postgres ? sql`text collate "C"` : sql`text`
  for (const column of ['phoneAddress', 'seenModel', 'seenFirmware', 'seenMac', 'seenAt', 'blankedAt'])
    await db.schema.alterTable('handset').addColumn(column, text).execute()
  await db.schema.alterTable('handset').addColumn('formerTokenHash', text).execute()
  await db.schema.createIndex('handset_formerTokenHash').on('handset').column('formerTokenHash').unique().execute()
  await db.schema
    .alterTable('gateway')
    .addColumn('doorGeneration', 'integer', (column) => column.notNull().defaultTo(1))
    .execute()
  for (const column of ['doorTokenHash', 'keyTokenHash']) {
    await db.schema.alterTable('gateway').addColumn(column, text).execute()
    await db.schema.createIndex(`gateway_${column}`).on('gateway').column(column).unique().execute()
  }
  const created = async (name: string, columns: readonly string[]) => {
    let table = db.schema.createTable(name).addColumn('id', text, (column) => column.notNull().primaryKey())
    for (const column of columns) table = table.addColumn(column, text, (built) => built.notNull())
    await (postgres ? table : table.modifyEnd(sql`strict`)).execute()
  }
  await created('phoneSetting', ['layer', 'scope', 'name', 'value', 'setAt', 'setBy'])
  await db.schema.createIndex('phoneSettingBy_layer_scope').on('phoneSetting').columns(['layer', 'scope']).execute()
  await created('servedFile', ['handsetId', 'fileName', 'contentHash', 'masked', 'at'])
  await db.schema.createIndex('servedFileBy_handsetId').on('servedFile').column('handsetId').execute()
}
