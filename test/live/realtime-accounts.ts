/** What is in the tables of a PBX, and the phones of its accounts. */
import type { PbxAccount } from '../../src/pbx/pbx-driver.ts'
import type { RealtimeWorld } from '../lab/realtime-world.ts'

const limit = () => AbortSignal.timeout(20_000)

export const tables = ['ps_endpoints', 'ps_auths', 'ps_aors', 'ps_contacts']

export const phoneOf = async (world: RealtimeWorld, account: PbxAccount, address?: string) => {
  const { username, secret } = account.credentials[0]!
  return world.phone({
    extension: account.extension,
    username,
    secret: secret.reveal(),
    ...(address ? { address } : {}),
  })
}

export const accountIn = async (world: RealtimeWorld, extension: string) =>
  (await world.driver.readAccounts(limit())).accounts.find((account) => account.extension === extension)

/** All rows of all tables, but those of one extension. */
export const restOf = (world: RealtimeWorld, extension: string) =>
  tables.map((table) =>
    world.sql(`select * from ${table} where not (id = '${extension}' or id like '${extension}-%') order by id`),
  )
