import type { PbxDatabase } from '../pbx-database.ts'
import { asProblem, type Problem } from '../pbx-problem.ts'
import type { AccountChanges, AccountWriter } from './account-writer.ts'
import { type AmiAction, type AmiSession, field } from './ami-conversation.ts'
import { type AsteriskObject, objectTypes } from './asterisk-account.ts'
import { actUnless } from './asterisk-deed.ts'
import { folderProblems } from './asterisk-files.ts'
import { shownEndpoints } from './asterisk-lists.ts'
import type { AsteriskFolder } from './asterisk-options.ts'
import { tableOf } from './realtime-schema.ts'
import { realtimeTables } from './realtime-tables.ts'
import { type ConfigLine, pair, readMapping, readSection } from './sorcery-mapping.ts'

/**
 * Accounts as rows of the tables that Asterisk reads at each request (res_sorcery_realtime). They can be changed while
 * Asterisk is down. There is nothing to reload; only a memory cache, where sorcery.conf puts one before the tables, has to
 * be told.
 */
export function realtimeWriter(
  database: PbxDatabase,
  folder: AsteriskFolder | null,
  edge: string | null,
): AccountWriter {
  const tables = realtimeTables(database)
  return {
    ...tables,
    managerActions: folder ? ['PJSIPShowAors'] : [],
    align: (signal) => tables.align(edge, signal),
    unaligned: (signal) => tables.unaligned(edge, signal),
    takeOver: forgetCached,
    async problems(session, signal) {
      const [mapping, included, rows, columns] = await Promise.all([
        mappingProblems(session),
        folder ? folderProblems(session, folder.configDir) : [],
        tables.endpoints(signal).then((ids) => unreadRows(session, ids), asProblem),
        // What keeps the tables from being read is told already.
        tables.edgeProblems(edge, signal).catch(() => []),
      ])
      return [...mapping, ...included, ...rows, ...columns]
    },
  }
}

/**
 * Asterisk leaves a row that it cannot understand out of every list, so Ringfence would never see it. So it is with any
 * row from res_config_sqlite3 that has no value where Asterisk wants a number or a yes (seen with 22.10.1).
 */
async function unreadRows(session: AmiSession, ids: readonly string[]): Promise<Problem[]> {
  const listed = await shownEndpoints(session)
  const known = new Set(listed.map((endpoint) => field(endpoint, 'ObjectName')))
  const unread = ids.filter((id) => !known.has(id))
  if (unread.length === 0) return []
  return [
    {
      message: `Asterisk does not take ${unread.length} of the rows in ps_endpoints, such as ${unread[0]}`,
      hint: 'its log names the column ("Error parsing"); on SQLite, drop columns that hold nothing, or give them a default (docs/asterisk.md)',
    },
  ]
}

/** `endpoint/cache = memory_cache,name=…,full_backend_cache=yes` in sorcery.conf, by kind of object. */
interface Cache {
  readonly type: AsteriskObject['type']
  readonly name: string
  readonly isWhole: boolean
}

async function forgetCached(session: AmiSession, changes: AccountChanges): Promise<void> {
  const caches = cachesIn(await readMapping(session))
  for (const { type, name, isWhole } of caches) {
    // A cache of the whole table does not let go of one object (res/res_sorcery_memory_cache.c).
    if (isWhole) await expire(session, { Action: 'SorceryMemoryCachePopulate', Cache: name })
    else {
      for (const id of cachedIds(type, changes)) {
        await expire(session, { Action: 'SorceryMemoryCacheExpireObject', Cache: name, Object: id })
      }
    }
  }
}

/** A secret that was removed may stay in a cache: the endpoint that named it is read anew. */
function cachedIds(type: AsteriskObject['type'], changes: AccountChanges): readonly string[] {
  if (type !== 'auth') return [...changes.keys()]
  return [...changes.values()].flatMap(({ objects }) =>
    (objects ?? []).filter((object) => object.type === 'auth').map(({ id }) => id),
  )
}

/** What is not cached needs no forgetting; the words are those of res/res_sorcery_memory_cache.c. */
async function expire(session: AmiSession, action: AmiAction): Promise<void> {
  await actUnless(
    session,
    action,
    /^The provided (cache does not exist|object could not be expired)/,
    "Asterisk's memory cache still holds the old account: see the /cache lines of sorcery.conf",
  )
}

function cachesIn(mapping: readonly ConfigLine[]): readonly Cache[] {
  return objectTypes.flatMap((type): Cache[] =>
    mapping
      .filter(({ name, value }) => name.startsWith(`${type}/cache`) && /^memory_cache\b/.test(value))
      .flatMap(({ value }) => {
        const options = new Map(value.split(',').map((part) => pair(part)))
        const name = options.get('name')
        return name ? [{ type, name, isWhole: options.get('full_backend_cache') === 'yes' }] : []
      }),
  )
}

async function mappingProblems(session: AmiSession): Promise<Problem[]> {
  const [mapping, engines] = await Promise.all([
    readMapping(session),
    readSection(session, 'extconfig.conf', 'settings'),
  ])
  return objectTypes.flatMap((type): Problem[] => {
    const table = tableOf[type]
    const family = mapping
      .filter(({ name, value }) => name === type && value.startsWith('realtime,'))
      .map(({ value }) => value.split(',')[1]?.trim())[0]
    if (!family) {
      return [
        {
          message: `Asterisk does not read its ${type} objects from tables`,
          hint: `put \`${type} = realtime,${table}\` into [res_pjsip] of sorcery.conf and restart Asterisk`,
        },
      ]
    }
    const engine = engines.find(({ name }) => name === family)?.value.replace(/^>\s*/, '')
    if (!engine) {
      const hint = `put \`${family} => pgsql,general,${table}\` (or odbc, sqlite3) into extconfig.conf and restart Asterisk`
      return [{ message: `extconfig.conf names no database for ${family}`, hint }]
    }
    const read = engine.split(',')[2]?.trim() || family
    if (read === table) return []
    const hint = `Ringfence writes ${table}: name that table in extconfig.conf`
    return [{ message: `Asterisk reads its ${type} objects from the table ${read}`, hint }]
  })
}
