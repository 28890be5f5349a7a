/** For the access system of administrators: what is left of a way in, and shutting it again. */
import type { AdministratorSubject } from '../domain/access.ts'
import { type Session, sessionCounts } from '../domain/administrator.ts'
import type { ConsoleTraces } from '../signin/administrator-access.ts'
import type { JourneyContext } from './context.ts'

type TraceContext = Pick<JourneyContext, 'store' | 'system'>

export async function consoleTraces(
  { store, system }: TraceContext,
  subjects: readonly AdministratorSubject[],
): Promise<ReadonlyMap<string, ConsoleTraces>> {
  const now = system.now()
  const found = new Map<string, ConsoleTraces>()
  for (const { id, tokenIds } of subjects) {
    const row = await store.get('administrator', id)
    if (!row) continue
    const sessions = await store.find('session', { administratorId: id, endedAt: null })
    const passkeys = await store.find('passkey', { administratorId: id, removedAt: null })
    const links = await store.find('setupLink', { administratorId: id, usedAt: null })
    const tokens = await Promise.all(tokenIds.map((tokenId) => store.get('apiToken', tokenId)))
    found.set(id, {
      disabled: row.disabledAt !== null,
      password: row.passwordHash !== null,
      authenticatorApp: row.totpSealed !== null,
      sessions: sessions.filter((session: Session) => sessionCounts(session, now)).length,
      passkeys: passkeys.length,
      links: links.length,
      tokens: tokens.filter((token) => token && token.revokedAt === null).map((token) => token!.id),
    })
  }
  return found
}

export async function shutConsole(
  { store, system }: TraceContext,
  subjects: readonly AdministratorSubject[],
): Promise<void> {
  const at = system.now().toISOString()
  await store.transaction(async (tx) => {
    for (const { id, tokenIds } of subjects) {
      if (!(await tx.get('administrator', id))) continue
      await tx.shutAdministrator(id, at)
      for (const tokenId of tokenIds) await tx.updateIf('apiToken', tokenId, { revokedAt: null }, { revokedAt: at })
    }
  })
}
