import { afterAll, beforeAll } from 'vitest'
import type { PbxAbilities } from '../../src/pbx/pbx-driver.ts'
import { germany } from '../fixtures/dialled-numbers.ts'
import { documented, leastRights } from '../lab/kamailio-roles.ts'
import { kamailioWorld } from '../lab/kamailio-world.ts'
import { type Postgres, startPostgres } from '../lab/postgres.ts'
import { describeLive } from '../setup/requirements.ts'
import { pbxContract } from './pbx.contract.ts'

/** What the driver is held to, written down a second time. */
const told: PbxAbilities = {
  realm: 'ringfence',
  credentialsPerExtension: 'many',
  readBack: true,
  endsRegistrations: true,
  endsCalls: true,
  resync: true,
  certificates: 'required-on-own-port',
  revocationLists: 'enforced',
  storesSecretAs: 'digest',
  callClasses: 'enforced',
  adoption: true,
}

describeLive('Kamailio', ['kamailio'], () => {
  pbxContract('kamailio, accounts in SQLite', told, () =>
    kamailioWorld({ options: (defaults) => ({ ...defaults, dialPlan: async () => germany }) }),
  )
})

describeLive('Kamailio on PostgreSQL', ['kamailio', 'postgres'], () => {
  let server: Postgres
  beforeAll(async () => {
    server = await startPostgres()
    server.sql(server.createDatabase(), documented.roles())
  })
  afterAll(async () => {
    await server?.stop()
  })

  pbxContract('kamailio, accounts in PostgreSQL, with roles of the least rights', told, () => {
    const { admin, lab } = leastRights(server, { subscribers: true })
    return kamailioWorld({
      ...lab,
      options: (defaults, authorities) => ({ ...lab.options!(defaults, authorities), dialPlan: async () => germany }),
      sql: (statements) => server.sql(admin, statements),
    })
  })
})
