import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Secret } from '../../src/domain/secret.ts'
import { openAsterisk } from '../../src/main/asterisk.ts'
import { readAsterisk } from '../../src/pbx-settings/asterisk.ts'
import { settingReader } from '../../src/setting-reader.ts'
import { makeAccount } from '../contracts/pbx-accounts.ts'
import { ariWorld } from '../lab/ari-world.ts'
import type { AsteriskLab } from '../lab/asterisk.ts'
import { realtimeWorld } from '../lab/realtime-world.ts'
import { describeLive } from '../setup/requirements.ts'

const limit = () => AbortSignal.timeout(20_000)

/** Opens it as the server does from these settings, without a folder: transports are the admin's. */
async function opened(lab: AsteriskLab, settings: Readonly<Record<string, string>>) {
  const all = {
    PBX_AMI: `127.0.0.1:${lab.amiTls.port}`,
    PBX_AMI_TLS: 'yes',
    PBX_AMI_SECRET_FILE: keep(lab, 'ami', lab.ami.secret),
    PBX_MANAGEMENT_CA_FILE: keep(lab, 'ca.pem', lab.serverAuthority.certificate),
    ...settings,
  }
  const read = settingReader(
    Object.fromEntries(Object.entries(all).map(([name, value]) => [`RINGFENCE_${name}`, value])),
  )
  const asterisk = readAsterisk(read, null)
  expect(read.problems).toEqual([])
  return openAsterisk(
    {
      realm: 'ringfence',
      own: { host: lab.address, port: lab.port, mtlsPort: lab.mtlsPort },
      edge: null,
      prefix: 'PBX',
    },
    asterisk,
    async () => null,
  )
}

function keep(lab: AsteriskLab, name: string, content: string | Secret): string {
  const path = join(lab.folder, name)
  writeFileSync(path, typeof content === 'string' ? content : `${content.reveal()}\n`, { mode: 0o600 })
  return path
}

describeLive('settings of an Asterisk', ['asterisk', 'openssl', 'postgres'], () => {
  test('lead to the tables, with the manager interface over TLS from an authority of its own', async () => {
    const world = await realtimeWorld({ engine: 'postgres' })
    try {
      const { database } = world
      if (!('postgres' in database)) throw new Error('this world is in PostgreSQL')
      const driver = await opened(world.lab, {
        PBX_ACCOUNTS: 'realtime',
        PBX_DATABASE_URL_FILE: keep(world.lab, 'url', database.postgres),
      })
      expect(driver.abilities).toMatchObject({ certificates: 'not-checked', adoption: true })
      expect((await driver.describe(limit())).problems).toEqual([])
      await driver.applyAccounts([makeAccount('3401')], limit())
      expect(world.sql(`select id from ps_endpoints where id = '3401'`).trim()).toBe('3401')
    } finally {
      await world.stop()
    }
  })

  test('lead to ARI over TLS from an authority of its own', async () => {
    const world = await ariWorld()
    try {
      const driver = await opened(world.lab, {
        PBX_ACCOUNTS: 'ari',
        PBX_ARI: world.ari.origin,
        PBX_ARI_SECRET_FILE: keep(world.lab, 'ari', world.ari.secret),
      })
      expect((await driver.describe(limit())).problems).toEqual([])
      await driver.applyAccounts([makeAccount('3402')], limit())
      expect(world.lab.cli('database show ringfence/endpoint')).toContain('/3402')
    } finally {
      await world.stop()
    }
  })
})
