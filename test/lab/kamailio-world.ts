import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { kamailioDriver } from '../../src/pbx/kamailio/kamailio.ts'
import { planText } from '../../src/pbx/kamailio/kamailio-dial-plan.ts'
import { kamailioRpc } from '../../src/pbx/kamailio/kamailio-rpc.ts'
import { listCalls, listRegistrations } from '../../src/pbx/kamailio/kamailio-state.ts'
import type { PbxDatabase } from '../../src/pbx/pbx-database.ts'
import type { PbxWorld } from '../contracts/pbx-hand.ts'
import { type RegistrarLab, type RegistrarLabOptions, startRegistrar } from './kamailio-registrar.ts'
import { connectSipPhone, type SipPhone } from './sip-client.ts'

/** Debian's own table of an older registrar, as `kamdbctl create` makes it. */
export function subscriberTable(kind: 'db_sqlite' | 'postgres'): string {
  return ['standard', 'auth_db']
    .map((name) => readFileSync(`/usr/share/kamailio/${kind}/${name}-create.sql`, 'utf8'))
    .join('\n')
}

/** Statements in the database of a lab, as an admin would type them; rows as text. */
export type Sql = (statements: string) => string

/** The contract's surroundings on a real Kamailio: phones are real TLS connections to it. */
export async function kamailioWorld(
  options: RegistrarLabOptions & { readonly sql?: Sql } = {},
): Promise<PbxWorld & { readonly lab: RegistrarLab }> {
  const lab = await startRegistrar({
    ...options,
    local: `#!define RINGFENCE_SUBSCRIBERS "ringfence"\n${options.local ?? ''}`,
    before: options.before ?? (({ database }) => void sqliteSql(database)(subscriberTable('db_sqlite'))),
  })
  const sql = options.sql ?? sqliteSql(lab.options.database)
  const phones: SipPhone[] = []
  const hangUpPhones = async () => {
    await Promise.all(phones.splice(0).map((phone) => phone.close()))
  }
  return {
    lab,
    driver: kamailioDriver(lab.options),
    parts: { Kamailio: 'real', [options.sql ? 'PostgreSQL' : 'SQLite']: 'real' },
    async phone({ extension, username, secret, address }) {
      const connection = async () => {
        const connected = await connectSipPhone({
          host: lab.options.bindAddress,
          port: lab.options.port,
          extension,
          username,
          secret,
          ...(address ? { localAddress: address } : {}),
        })
        phones.push(connected)
        return connected
      }
      let phone = await connection()
      return {
        async register() {
          // As a phone does by itself when its connection was closed.
          if (!phone.connected) phone = await connection()
          return (await phone.register()).status
        },
        call: async () => (await phone.call('600')).status,
        events: () => phone.events,
      }
    },
    async addForeign(extension) {
      sql(
        `insert into subscriber (username, domain, password, ha1, ha1b) values ('${extension}', 'ringfence', 'by hand', '', '')`,
      )
    },
    look: (extension) =>
      [
        sql(`select * from subscriber where username = '${extension}'`),
        sql(`select * from ringfence_credential where extension = '${extension}'`),
      ].join('\n'),
    async allBut(extensions) {
      const rpc = kamailioRpc(lab.options.rpc)
      const limit = AbortSignal.timeout(20_000)
      const isOther = ({ extension }: { readonly extension: string }) => !extensions.includes(extension)
      const names = extensions.map((extension) => `'${extension}'`).join(', ') || `''`
      const plan = await lab.options.dialPlan()
      return {
        files: filesIn(lab.options.folder),
        tables: [
          `version order by table_name`,
          `subscriber where username not in (${names}) order by username`,
          `ringfence_credential where extension not in (${names}) order by username`,
          'ringfence_denied order by key_name',
          // That of the settings is written with the first account.
          `ringfence_plan where plan <> '${plan ? planText(plan) : ''}'`,
        ].map((rows) => sql(`select * from ${rows}`)),
        denied: await rpc.call('htable.dump', ['ringfence_denied'], limit),
        registrations: (await listRegistrations(rpc, limit)).filter(isOther),
        calls: (await listCalls(rpc, limit)).filter(isOther),
      }
    },
    // As the answer of an empty table on either engine has no name in it.
    shownName: (extension) =>
      /name=(.*)=name/.exec(
        sql(
          `select 'name=' || display_name || '=name' as shown from ringfence_credential where extension = '${extension}'`,
        ),
      )?.[1],
    async goDown() {
      await hangUpPhones()
      await lab.kamailio.halt()
    },
    comeBack: () => lab.kamailio.start(),
    async stop() {
      await hangUpPhones()
      await lab.stop()
    },
  }
}

/** Each with its rights, but for the database. */
function filesIn(folder: string): Readonly<Record<string, string>> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => {
    return !/^accounts\.db/.test(name) && statSync(join(folder, name)).isFile()
  })
  const contents = names.sort().map((name) => {
    const path = join(folder, name)
    return [name, `${(statSync(path).mode & 0o777).toString(8)} ${readFileSync(path, 'utf8')}`]
  })
  return Object.fromEntries(contents)
}

export function sqliteSql(database: PbxDatabase): Sql {
  return (statements) => {
    if (!('sqlite' in database)) throw new Error('this lab has no SQLite file')
    const file = new DatabaseSync(database.sqlite, { timeout: 5000 })
    try {
      if (/^select/.test(statements)) return JSON.stringify(file.prepare(statements).all())
      file.exec(statements)
      return ''
    } finally {
      file.close()
    }
  }
}
