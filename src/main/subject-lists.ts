/** The allow-lists of certificates that FreeSWITCHes of the settings go by. */
import { join } from 'node:path'
import type { Config } from '../config.ts'
import { knock } from '../pbx/freeswitch/subjects/knock.ts'
import { restartProfile } from '../pbx/freeswitch/subjects/restart-profile.ts'
import { type SubjectKeeper, subjectKeeper } from '../pbx/freeswitch/subjects/subject-keeper.ts'
import { serialKey } from '../pbx/freeswitch/subjects/subject-list.ts'
import type { PbxSettings } from '../pbx-settings.ts'
import type { IssuedCertificate } from '../pki/pki-port.ts'
import type { Store } from '../store/store.ts'
import { newId, type System } from '../system.ts'
import type { Foundations } from './foundations.ts'

export interface SubjectListOfPbx {
  readonly pbxId: string
  readonly profile: string
  readonly keeper: SubjectKeeper
}

interface Parts {
  readonly config: Config
  readonly foundations: Pick<Foundations, 'authorities' | 'store'>
  readonly system: Pick<System, 'now' | 'randomBytes'>
}

export function subjectLists({ config, foundations, system }: Parts): readonly SubjectListOfPbx[] {
  return config.pbxs.flatMap((pbx) => {
    const freeswitch = pbx.driven
    if (freeswitch.kind !== 'freeswitch' || !freeswitch.subjects) return []
    const { file, restart } = freeswitch.subjects
    const socket = { ...freeswitch.eventSocket, password: freeswitch.eventSocketPassword }
    const { store, authorities } = foundations
    const identityOf = probes({ pbx, config, authority: authorities.handset, system })
    const target = { host: pbx.address ?? pbx.own.host, port: pbx.own.port, domain: pbx.realm }
    const keeper = subjectKeeper({
      listFile: file,
      historyFile: join(config.dataFolder, `pbx-${pbx.id}-freeswitch-subjects.json`),
      wanted: () => inService(store, pbx.id),
      everIssued: async () =>
        new Map((await store.find('certificate', {})).map((row) => [serialKey(row.serial), row.handsetId])),
      async knockAs(uuid, signal) {
        const { certificate, privateKey } = await identityOf(uuid)
        return knock(target, { certificate, key: privateKey.reveal() }, signal)
      },
      newId: () => newId(system),
      restart: restart ? (signal) => restartProfile(socket, freeswitch.profile, signal) : null,
    })
    return [{ pbxId: pbx.id, profile: freeswitch.profile, keeper }]
  })
}

export async function inService(store: Pick<Store, 'subjects'>, pbxId: string): Promise<ReadonlyMap<string, string>> {
  const certificates = await store.subjects('certificate')
  return new Map(
    certificates.flatMap(({ wanted, serial, handsetId, pbxId: on }) =>
      wanted === 'open' && on === pbxId && handsetId !== undefined ? [[serialKey(serial), handsetId]] : [],
    ),
  )
}

const day = 86_400_000
/** Shorter than a mark may be asked for; made anew then. */
const validDays = 2

/**
 * Certificates that stand for a list and for no handset: their keys never leave this process, no account knows them, and
 * each lives for two days.
 */
function probes({
  pbx,
  config,
  authority,
  system,
}: {
  readonly pbx: PbxSettings
  readonly config: Config
  readonly authority: Foundations['authorities']['handset']
  readonly system: Pick<System, 'now'>
}): (uuid: string) => Promise<IssuedCertificate> {
  const kept = new Map<string, IssuedCertificate>()
  return async (uuid) => {
    const now = system.now()
    const before = kept.get(uuid)
    if (before && Date.parse(before.notAfter) - now.getTime() > day) return before
    const issued = await authority.issue({
      handsetId: uuid,
      commonName: 'Ringfence',
      extension: 'ringfence',
      sipDomain: pbx.host,
      crlUrl: `${config.phoneDoor.url}/crl/handsets.crl`,
      now,
      validDays,
    })
    // Marks of lists that are over are not asked for any more.
    if (kept.size > 50) kept.clear()
    kept.set(uuid, issued)
    return issued
  }
}
