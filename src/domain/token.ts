/** An API token. Only its hash is stored. */
export interface ApiToken {
  readonly id: string
  readonly label: string
  readonly role: Role
  readonly tokenHash: string
  readonly createdAt: string
  readonly createdBy: string
  readonly lastUsedAt: string | null
  readonly revokedAt: string | null
}

/** `auditor` reads; `helpdesk` also onboards and resends; `admin` also offboards and acknowledges; `owner` also tokens. */
export type Role = 'owner' | 'admin' | 'helpdesk' | 'auditor'

export const roles: readonly Role[] = ['owner', 'admin', 'helpdesk', 'auditor']

/** What a caller may do; every route names one of these. */
export type Authority = 'read' | 'onboard' | 'revoke' | 'administer'

const granted: Readonly<Record<Role, readonly Authority[]>> = {
  auditor: ['read'],
  helpdesk: ['read', 'onboard'],
  admin: ['read', 'onboard', 'revoke'],
  owner: ['read', 'onboard', 'revoke', 'administer'],
}

/** The one place where authority is decided. A role that is none (a row that somebody changed by hand) may nothing. */
export function mayDo(role: Role, authority: Authority): boolean {
  return roles.includes(role) && granted[role].includes(authority)
}

/** Who asks: shown in the audit log and the leaver file. */
export interface Actor {
  readonly name: string
  readonly role: Role
  readonly via: 'local-socket' | 'token' | 'session' | 'system'
}
