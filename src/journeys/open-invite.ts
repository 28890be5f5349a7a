import { type Invite, tokenHash } from '../domain/invite.ts'
import type { EmployeeAccess } from '../store/store.ts'
import type { JourneyContext } from './context.ts'

/** Null for every refusal alike: outsiders never learn why. */
export async function openInvite(
  context: JourneyContext,
  token: string,
): Promise<{ invite: Invite; access: EmployeeAccess } | null> {
  const [invite] = await context.store.find('invite', { tokenHash: tokenHash(token) })
  if (!invite || !isOpen(invite, context.system.now())) return null
  const [access] = await context.store.employeesWithAccess({ ids: [invite.employeeId] })
  return access?.employee.lifecycle === 'active' ? { invite, access } : null
}

export function isOpen({ closedAt, expiresAt }: Pick<Invite, 'closedAt' | 'expiresAt'>, now: Date): boolean {
  return closedAt === null && Date.parse(expiresAt) > now.getTime()
}
