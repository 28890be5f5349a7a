/** What everything else stands on: vault, database, journal, authorities, templates. */
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Config } from '../config.ts'
import { Secret } from '../domain/secret.ts'
import { defaultId } from '../domain/site.ts'
import { createDurably, privateFolder } from '../durable-file.ts'
import type { Log } from '../journeys/context.ts'
import { renewWithdrawn } from '../journeys/renew-withdrawn.ts'
import { loadManualGuide, type ManualGuide } from '../pbx/manual-guide.ts'
import { loadTemplates } from '../phones/load-templates.ts'
import { replaceableCatalogue } from '../phones/replaceable-catalogue.ts'
import { openAuthorities } from '../pki/certificate-authority.ts'
import { openKeyPool } from '../pki/key-pool.ts'
import { openPublication } from '../pki/publication.ts'
import { thisProcess } from '../store/lease-holder.ts'
import { openJournal } from '../store/leaver-journal.ts'
import { noteMoment } from '../store/moment.ts'
import { openStore } from '../store/open-store.ts'
import { replayJournal } from '../store/replay-journal.ts'
import type { Store } from '../store/store.ts'
import type { System } from '../system.ts'
import { openVault } from '../vault.ts'
import { refuseExchanged } from './exchanged-pbx.ts'
import type { Undo } from './undo.ts'

export const templates = fileURLToPath(new URL('../../templates', import.meta.url))
export const leaseTtlMs = 15_000

export async function layFoundations(config: Config, system: System, log: Log, undo: Undo) {
  await privateFolder(config.dataFolder, ['vault.json', 'ringfence.db'])
  const passphrase = config.passphrase ?? (await embeddedPassphrase(config.dataFolder))
  // Takes a third of a second on a thread of its own (scrypt); what needs no secret goes on meanwhile.
  const opening = openVault(join(config.dataFolder, 'vault.json'), passphrase)
  opening.catch(() => undefined) // it is awaited below

  const store = await openStore({ sqlite: join(config.dataFolder, 'ringfence.db') })
  undo.push(() => store.close())
  const lease = await store.acquireLease('writer', thisProcess(), system.now(), leaseTtlMs)
  undo.push(() => store.releaseLease(lease))
  const journal = await openJournal(join(config.dataFolder, 'leavers.journal'))
  const replayed = await replayJournal(store, journal, system)
  if (replayed.inserted > 0 || replayed.repaired > 0 || replayed.shut > 0)
    log.warn(replayed, 'the database is older than the leaver journal: what was shut or withdrawn before stays so')
  // What happened since upkeep last noted it; not where another process has taken over and writes the journal.
  undo.push(async () => {
    if (await store.renewLease(lease, system.now(), leaseTtlMs)) await noteMoment(store, journal)
  })
  await seedPlaces(store, config)
  const vault = await opening
  await renewWithdrawn({ store, vault, system, journal, log })

  const pkiFolder = join(config.dataFolder, 'pki')
  const keys = await openKeyPool({
    folder: join(pkiFolder, 'pool'),
    vault,
    onProblem: (problem) => log.warn({ err: problem }, problem.message),
  })
  undo.push(() => keys.stop())
  const authorities = await openAuthorities({ folder: pkiFolder, vault, system, takeKey: () => keys.take() })
  const publishedFolder = join(pkiFolder, 'published')
  const publication = await openPublication({
    folder: publishedFolder,
    authority: authorities.handset,
    system,
    revoked: () => store.revokedCertificates(system.now().toISOString()),
    nextNumber: () => store.transaction((tx) => tx.nextNumber('revocation-list')),
  })
  return {
    vault,
    store,
    lease,
    journal,
    keys,
    authorities,
    pkiFolder,
    publishedFolder,
    publication,
    templates: await openTemplates(config.dataFolder),
  }
}

/** The templates that are used, and what the folders hold now. */
export async function openTemplates(dataFolder: string) {
  const load = () => loadTemplates({ delivered: templates, own: join(dataFolder, 'templates') })
  const { catalogue, replace } = replaceableCatalogue((await load()).catalogue)
  return { catalogue, replace, load }
}

export type Foundations = Awaited<ReturnType<typeof layFoundations>>

/**
 * The default when no passphrase is configured: made once, in the data folder. It keeps a database that was copied alone
 * unreadable; who copies the whole folder has the passphrase too. `doctor` says so.
 */
async function embeddedPassphrase(dataFolder: string): Promise<Secret> {
  const path = join(dataFolder, 'passphrase')
  const existing = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  if (existing !== null) return new Secret(existing.trim())
  // Of two servers that start at once one makes it and both use it; another passphrase would never open the vault again.
  await createDurably(path, `${randomBytes(32).toString('base64url')}\n`)
  return new Secret((await readFile(path, 'utf8')).trim())
}

/**
 * The environment is the truth for the rows that it names; what it says now is what they say. A PBX that it does not name any
 * more keeps its row: people may hold extensions there.
 * @throws AppError CONFIG_INVALID where another PBX would stand in the place of one on which doors are being shut
 */
export async function seedPlaces(store: Store, config: Config): Promise<void> {
  const { hub, pbxs } = config
  await refuseExchanged(store, pbxs)
  await store.transaction(async (tx) => {
    const before = await tx.get('hub', defaultId)
    const sites = new Map(pbxs.map(({ site }) => [site.id, site]))
    await tx.put('site', [...sites.values()])
    await tx.put(
      'pbx',
      pbxs.map(({ id, name, site, driver, address, host, port, mtlsPort, rtp, realm }) => ({
        id,
        siteId: site.id,
        name,
        driver,
        address,
        host,
        port,
        mtlsPort,
        rtpFrom: rtp.from,
        rtpTo: rtp.to,
        realm,
      })),
    )
    await tx.put('hub', [
      {
        id: defaultId,
        siteId: defaultId,
        name: 'Hub',
        interface: hub.interface,
        endpoint: hub.endpoint,
        listenPort: hub.listenPort,
        subnets: hub.subnets.join(','),
        phoneSubnets: hub.phoneSubnets.join(','),
        publicKey: before?.publicKey ?? null,
      },
    ])
  })
}

/** What a person does on such a PBX, in order. */
export function guideOf({ brand }: { readonly brand: string }): Promise<ManualGuide> {
  return loadManualGuide(join(templates, 'manual-pbx'), brand)
}
