import type { Migrations } from './migrate.ts'
import { up as firstTables } from './migrations/0001-first-tables.ts'
import { up as withdrawals } from './migrations/0002-withdrawals.ts'
import { up as phones } from './migrations/0003-phones.ts'
import { up as console } from './migrations/0004-console.ts'
import { up as moments } from './migrations/0005-moments.ts'
import { up as pbxs } from './migrations/0006-pbxs.ts'
import { up as callPolicies } from './migrations/0007-call-policies.ts'
import { up as ticksLaidAside } from './migrations/0008-ticks-laid-aside.ts'

/** In order. Forward only, and for both databases; what runs on them is in the contract suite. */
export const migrations: Migrations = {
  '0001-first-tables': { up: firstTables },
  '0002-withdrawals': { up: withdrawals },
  '0003-phones': { up: phones },
  '0004-console': { up: console },
  '0005-moments': { up: moments },
  '0006-pbxs': { up: pbxs },
  '0007-call-policies': { up: callPolicies },
  '0008-ticks-laid-aside': { up: ticksLaidAside },
}
