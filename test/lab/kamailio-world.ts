import { readFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { kamailioDriver } from '../../src/pbx/kamailio.ts'
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
