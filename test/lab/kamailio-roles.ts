/** PostgreSQL as docs/kamailio.md sets it up: its very statements, so that they stay true. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Secret } from '../../src/domain/secret.ts'
import type { RegistrarLabOptions } from './kamailio-registrar.ts'
import { subscriberTable } from './kamailio-world.ts'
import type { Postgres } from './postgres.ts'

export const documented = {
  /** Once for a server. */
  roles: () => statements('PostgreSQL', /^create role/),
  tables: () => statements('PostgreSQL', /^(?!create role)/),
  subscribers: () => statements("An older registrar's extensions", /^/),
}

/** What only stands there for this purpose: indented lines that are not for local.cfg. */
function statements(heading: string, kind: RegExp): string {
  const page = readFileSync(join(import.meta.dirname, '../../docs/kamailio.md'), 'utf8')
  const section = page.split(/^## /m).find((one) => one.startsWith(`${heading}\n`)) ?? ''
  const indented = section.split('\n').filter((line) => /^ {4}[^#]/.test(line))
  const found = indented
    .join('\n')
    .split(/(?<=;)/)
    .filter((one) => kind.test(one.trim()))
  if (found.length === 0) throw new Error(`docs/kamailio.md has no statements under ${heading}`)
  return found.join('')
}

export interface LeastRights {
  /** As an administrator. */
  readonly admin: Secret
  readonly ringfence: Secret
  readonly kamailio: Secret
  readonly lab: RegistrarLabOptions
}

/** A database of its own with both roles, and an older registrar's table where it is asked for. */
export function leastRights(server: Postgres, { subscribers = false } = {}): LeastRights {
  const admin = server.createDatabase()
  server.sql(admin, documented.tables())
  if (subscribers) server.sql(admin, `${subscriberTable('postgres')}\n${documented.subscribers()}`)
  const as = (role: string) => new Secret(admin.reveal().replace('user=ringfence', `user=${role}`))
  const name = new URL(admin.reveal()).pathname.slice(1)
  return {
    admin,
    ringfence: as('ringfence_pbx'),
    kamailio: as('kamailio'),
    lab: {
      local: `#!substdef "!RINGFENCE_DATABASE!postgres://kamailio:secret@/${name}!g"`,
      // Where the server has a socket only, libpq is told so.
      environment: { PGHOST: new URL(admin.reveal()).searchParams.get('host') ?? '' },
      options: (defaults) => ({ ...defaults, database: { postgres: as('ringfence_pbx') } }),
      before: () => undefined,
    },
  }
}
