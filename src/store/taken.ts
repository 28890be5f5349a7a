import { chunks, type Database } from './schema.ts'
import type { Claims } from './store.ts'

/** Those of the claimed that somebody has already. */
export async function taken(db: Database, pbxId: string, claims: Claims): Promise<Claims> {
  const extensions = new Set<string>()
  const emails = new Set<string>()
  const macs = new Set<string>()
  for (const some of chunks([...claims.extensions])) {
    const rows = await db
      .selectFrom('assignment')
      .select('extension')
      .where('pbxId', '=', pbxId)
      .where('untilAt', 'is', null)
      .where('extension', 'in', some)
      .execute()
    for (const { extension } of rows) extensions.add(extension)
  }
  for (const some of chunks([...claims.emails])) {
    const rows = await db
      .selectFrom('employee')
      .select('email')
      .where('lifecycle', '=', 'active')
      .where('email', 'in', some)
      .execute()
    for (const { email } of rows) emails.add(email)
  }
  for (const some of chunks([...claims.macs])) {
    const rows = await db
      .selectFrom('handset')
      .select('mac')
      .where('removedAt', 'is', null)
      .where('mac', 'in', some)
      .execute()
    for (const { mac } of rows) if (mac !== null) macs.add(mac)
  }
  return { extensions, emails, macs }
}
