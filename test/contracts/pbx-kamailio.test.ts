import { afterAll, beforeAll } from 'vitest'
import type { DialPlan } from '../../src/domain/call-policy.ts'
import type { Secret } from '../../src/domain/secret.ts'
import type { PbxAbilities } from '../../src/pbx/pbx-driver.ts'
import { kamailioWorld, subscriberTable } from '../lab/kamailio-world.ts'
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
  leftovers: 'unseen',
  adoption: true,
}

const dialPlan: DialPlan = {
  countryCode: '49',
  outsideLine: '',
  internationalPrefix: '00',
  nationalPrefix: '0',
  areaCode: '30',
  emergencyNumbers: ['110', '112'],
}

describeLive('Kamailio', ['kamailio'], () => {
  pbxContract('kamailio, accounts in SQLite', told, () =>
    kamailioWorld({ options: (defaults) => ({ ...defaults, dialPlan: async () => dialPlan }) }),
  )
})

describeLive('Kamailio on PostgreSQL', ['kamailio', 'postgres'], () => {
  let server: Postgres
  beforeAll(async () => {
    server = await startPostgres()
  })
  afterAll(async () => {
    await server?.stop()
  })

  pbxContract('kamailio, accounts in PostgreSQL', told, () => {
    const url: Secret = server.createDatabase()
    const asked = new URL(url.reveal())
    const name = asked.pathname.slice(1)
    return kamailioWorld({
      // As an admin writes it, with a role of Kamailio's own; where the server has a socket only, libpq is told by PGHOST.
      local: `#!substdef "!RINGFENCE_DATABASE!postgres://ringfence:none@/${name}!g"`,
      environment: { PGHOST: asked.searchParams.get('host') ?? '' },
      options: (defaults) => ({ ...defaults, dialPlan: async () => dialPlan, database: { postgres: url } }),
      sql: (statements) => server.sql(url, statements),
      before: () => void server.sql(url, subscriberTable('postgres')),
    })
  })
})
