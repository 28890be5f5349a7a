import { AppError } from '../../errors.ts'
import type { PbxDriver } from '../pbx-driver.ts'
import { closeConnection } from './kamailio-cut.ts'
import { copyList, otherDatabaseHint, readCopiedList, tlsFingerprint } from './kamailio-files.ts'
import { tableRows } from './kamailio-memory.ts'
import type { KamailioOptions } from './kamailio-options.ts'
import type { KamailioRpc } from './kamailio-rpc.ts'
import { readRunning, readStart } from './kamailio-state.ts'
import { type Database, withTables } from './kamailio-tables.ts'

/**
 * Two locks for a certificate that was taken back. The list is looked at in each TLS handshake; the table of denied
 * serials at each request, so it also reaches connections that stand already, and goes on when a list is damaged.
 */
export function revocationsOn(options: KamailioOptions, rpc: KamailioRpc): NonNullable<PbxDriver['revocations']> {
  return {
    async inForce(signal) {
      const { tls } = await readRunning(rpc, signal)
      // What lies there now and what was read at the last reload must be the same, else a restart would change it.
      if (tls) return tls.files === (await tlsFingerprint(options)) ? tls.list : null
      // Since its start nothing was reloaded: it works with what lay there then.
      const [list, start] = await Promise.all([readCopiedList(options), readStart(rpc, signal)])
      return list && list.writtenAt < start ? list.content.number : null
    },
    async enforce(signal) {
      const list = await copyList(options)
      const denied = await deny(options, rpc, new Set([...list.serials].map(decimal)), signal)
      const files = await tlsFingerprint(options)
      const noted = `${list.number}-${files}`
      const { tls } = await readRunning(rpc, signal)
      if (tls?.list !== list.number || tls.files !== files) {
        await reload(rpc, signal)
        await rpc.call('htable.sets', ['ringfence_note', 'files', noted], signal)
      }
      await closeDenied(rpc, denied, signal)
    },
  }
}

/** Kamailio prints and compares serials as decimal numbers. */
function decimal(serial: string): string {
  return BigInt(`0x${serial}`).toString()
}

/** A list that it cannot read leaves the one before in force, and Kamailio says so with an error. */
async function reload(rpc: KamailioRpc, signal: AbortSignal): Promise<void> {
  const answer = await rpc.callUnless(/./, 'tls.reload', [], signal)
  if (answer !== null) return
  throw new AppError('PBX_REFUSED', 'Kamailio refused the new TLS files: those before are still in force', {
    hint: 'its log says which of certificate, key, authority and revocation list it cannot read; check that its group may read them',
    retryable: true,
  })
}

/** Also returns whom Kamailio denied before: a serial never comes back, and an older copy of the database knows fewer. */
async function deny(
  options: KamailioOptions,
  rpc: KamailioRpc,
  listed: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const wanted = await withTables(options.database, signal, (database) => writeDenied(database, listed))
  if (sameSet(await tableKeys(rpc, 'ringfence_denied', signal), wanted)) return wanted
  await rpc.call('htable.reload', ['ringfence_denied'], signal)
  if (sameSet(await tableKeys(rpc, 'ringfence_denied', signal), wanted)) return wanted
  throw new AppError('PBX_REFUSED', 'Kamailio did not take the denied certificates over', {
    hint: otherDatabaseHint(options),
    retryable: true,
  })
}

/** All that are denied from then on. */
function writeDenied(database: Database, listed: ReadonlySet<string>): Promise<ReadonlySet<string>> {
  return database.transaction().execute(async (change) => {
    const rows = await change.selectFrom('ringfence_denied').select('key_name').execute()
    const present = new Set(rows.map(({ key_name }) => key_name))
    const fresh = [...listed].filter((serial) => !present.has(serial))
    for (let at = 0; at < fresh.length; at += 200) {
      const rows = fresh.slice(at, at + 200)
      await change
        .insertInto('ringfence_denied')
        .values(rows.map((key_name) => ({ key_name, key_type: 0, value_type: 0, key_value: '1', expires: 0 })))
        .execute()
    }
    return present.union(listed)
  })
}

async function closeDenied(rpc: KamailioRpc, denied: ReadonlySet<string>, signal: AbortSignal): Promise<void> {
  if (denied.size === 0) return
  const connections = await tableRows(rpc, 'ringfence_connection', signal)
  for (const [connection, serial] of connections)
    if (denied.has(serial)) await closeConnection(rpc, Number(connection), signal)
}

async function tableKeys(rpc: KamailioRpc, table: string, signal: AbortSignal): Promise<ReadonlySet<string>> {
  return new Set((await tableRows(rpc, table, signal)).keys())
}

function sameSet(one: ReadonlySet<string>, other: ReadonlySet<string>): boolean {
  return one.size === other.size && one.isSubsetOf(other)
}
