/** The Kamailio that the settings of one PBX name. */
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isLoopback } from '../domain/address.ts'
import { Secret } from '../domain/secret.ts'
import { createDurably, writingInto } from '../durable-file.ts'
import { AppError } from '../errors.ts'
import type { Log } from '../journeys/context.ts'
import { dialPlanOf } from '../journeys/dial-plans.ts'
import { kamailioDriver } from '../pbx/kamailio/kamailio.ts'
import { prepareKamailio } from '../pbx/kamailio/kamailio-files.ts'
import type { KamailioOptions } from '../pbx/kamailio/kamailio-options.ts'
import type { PbxDriver } from '../pbx/pbx-driver.ts'
import type { KamailioSettings } from '../pbx-settings/kamailio.ts'
import type { PbxSettings } from '../pbx-settings.ts'
import { publishedFiles } from '../pki/publication.ts'
import { readRevocationList } from '../pki/revocation-list.ts'
import type { Foundations } from './foundations.ts'
import { tlsPortsOf } from './pbx-certificates.ts'

export async function openKamailio(
  pbx: PbxSettings,
  kamailio: KamailioSettings,
  { foundations, log }: { readonly foundations: Foundations; readonly log: Log },
): Promise<PbxDriver> {
  const { authorities, publishedFolder, publication } = foundations
  const folder = kamailio.configFolder
  const ca = kamailio.rpcAuthority ?? (kamailio.tls === null ? authorities.service.certificate : undefined)
  const options: KamailioOptions = {
    folder,
    rpc: {
      ...kamailio.rpc,
      secret: await rpcSecret(pbx.id, foundations),
      tls: isLoopback(kamailio.rpc.host) ? null : ca === undefined ? {} : { ca },
    },
    database: kamailio.database,
    revocationList: {
      path: join(publishedFolder, publishedFiles.pem),
      read(bytes) {
        const list = readRevocationList(bytes, authorities.handset.certificate)
        return list.signatureValid ? list : null
      },
    },
    realm: pbx.realm,
    ...tlsPortsOf(pbx, kamailio, folder),
    dialPlan: () => dialPlanOf(foundations.store, pbx.site.id),
  }
  // Kamailio does not start without a list.
  if (publication.ageMs() === null) await publication.publish()
  await writingInto({ folder, name: `RINGFENCE_${pbx.prefix}_CONFIG_DIR`, group: 'kamailio', isShared: true }, () =>
    prepareKamailio(options),
  ).catch((error: unknown) => {
    // Nobody who leaves elsewhere waits for this database. Each look at it says the same again, so no line is green.
    if (!(error instanceof AppError) || !error.code.startsWith('PBX_')) throw error
    log.warn({ err: error }, error.message)
  })
  return kamailioDriver(options)
}

/** Made once. Kamailio's script holds its hash only, so there is nothing for a person to type. */
async function rpcSecret(pbxId: string, { vault, pkiFolder }: Foundations): Promise<Secret> {
  const path = join(pkiFolder, `kamailio-${pbxId}.secret`)
  const context = `kamailio:${pbxId}`
  // Of two processes that try at the same moment one makes it, and both read what it made.
  const made = await readFile(path, 'utf8').catch(() => null)
  if (made === null) await createDurably(path, vault.seal(new Secret(randomBytes(32).toString('base64url')), context))
  return vault.open(await readFile(path, 'utf8'), context)
}
