/** The lanes of what stands on the PBXs and in front of them. */
import type { AccessSystem } from '../access/access-system.ts'
import type { Lane } from '../access/lane.ts'
import type { Subject } from '../domain/access.ts'
import type { JourneyContext } from '../journeys/context.ts'
import type { KnownPbx } from '../journeys/known-pbx.ts'
import { accountsOf, digestOf, heldNow } from '../journeys/pbx-accounts.ts'
import { seenShut, tickedSteps } from '../journeys/verdict-book.ts'
import { edgeAccess } from '../pbx/edge/edge-access.ts'
import { extensionBehindEdge } from '../pbx/edge/edge-extension-access.ts'
import { extensionAccess } from '../pbx/extension-access.ts'
import { subjectAccess } from '../pbx/freeswitch/subjects/subject-access.ts'
import { sipAccess } from '../pbx/sip-access.ts'
import { certificateAccess, type RevocationEnforcer } from '../pki/certificate-access.ts'
import type { Edge } from './edge.ts'
import type { Foundations } from './foundations.ts'
import { subjectLists } from './subject-lists.ts'

export type StartLane = <S extends Subject, Snapshot>(
  subjectKind: S['kind'],
  access: AccessSystem<S, Snapshot>,
  pace: LanePace,
) => Lane

export interface LanePace {
  readonly timeoutMs: number
  readonly sweepEveryMs: number
  readonly pbxId?: string | null
  readonly opensOnly?: boolean
  readonly tookAway?: boolean
}

interface Parts {
  readonly context: JourneyContext
  readonly foundations: Foundations
  readonly edge?: Edge | null
}

/** What stands on one PBX: it only sees what is there, and a PBX that is away holds up none of the others. */
export function pbxLanes(
  lane: StartLane,
  { settings: { id }, driver }: KnownPbx,
  { context, edge }: Omit<Parts, 'foundations'>,
): readonly Lane[] {
  const { store, vault } = context
  // By hand, the step for the account says all that there is to do.
  const extensions = {
    timeoutMs: 20_000,
    sweepEveryMs: 300_000,
    pbxId: id,
    opensOnly: driver.describeStep !== undefined,
  }
  const held = (extensions: readonly string[]) => heldNow(context, id, extensions)
  const access = extensionAccess({
    pbxId: id,
    driver,
    accountsOf: (extensions) => accountsOf(context, id, extensions),
    heldNow: held,
    seenShut: (subjects) => seenShut(context, 'extension', id, subjects),
    subjects: async () => (await store.subjects('assignment')).filter(({ pbxId }) => pbxId === id),
  })
  return [
    lane(
      'sip-credential',
      sipAccess({
        pbxId: id,
        driver,
        accountsOf: (extensions) => accountsOf(context, id, extensions),
        digestOf: (subject) => digestOf(vault, driver.abilities.realm, subject),
        tickedSteps: () => tickedSteps(context, 'sip-account', id),
      }),
      { timeoutMs: driver.patienceMs ?? 20_000, sweepEveryMs: 60_000, pbxId: id },
    ),
    edge?.pbxId === id
      ? lane(
          'assignment',
          extensionBehindEdge(access, edge.calls, { abilities: driver.abilities, heldNow: held }),
          extensions,
        )
      : lane('assignment', access, extensions),
  ]
}

/** What takes certificates back: the list that is published, and whoever goes by a list of their own. */
export function certificateLanes(lane: StartLane, { context, foundations, edge }: Parts): readonly Lane[] {
  const { config, system, pbxs } = context
  const lists = subjectLists({ config, foundations, system })
  for (const { keeper } of lists) {
    // Also while nobody has a certificate: without the file the port would let in every one.
    keeper.publish().catch((error: unknown) => context.log.error({ err: error }, 'the allow-list could not be written'))
  }
  return [
    lane(
      'certificate',
      certificateAccess({
        folder: foundations.publishedFolder,
        authority: foundations.authorities.handset.certificate,
        system,
        publish: () => foundations.publication.publish(),
        note: ({ pbxId }) => listNote(pbxs, pbxId),
        enforcers: revocationEnforcers(pbxs),
      }),
      { timeoutMs: 20_000, sweepEveryMs: 300_000 },
    ),
    ...lists.map((list) =>
      lane('certificate', subjectAccess({ ...list, now: system.now }), {
        timeoutMs: 30_000,
        sweepEveryMs: 60_000,
        pbxId: list.pbxId,
      }),
    ),
    ...(edge
      ? [
          lane('certificate', edgeAccess(edge.keeper), {
            timeoutMs: 20_000,
            sweepEveryMs: 60_000,
            pbxId: edge.pbxId,
          }),
        ]
      : []),
  ]
}

/** PBXs that turn a listed certificate away in the handshake. */
export function revocationEnforcers(pbxs: readonly KnownPbx[]): readonly RevocationEnforcer[] {
  return pbxs.flatMap(({ settings, driver: { revocations } }) =>
    revocations ? [{ name: pbxs.length === 1 ? 'the PBX' : `PBX ${settings.name}`, ...revocations }] : [],
  )
}

/** What a list in force does not say: whether the PBX of this phone asks for it. */
function listNote(pbxs: readonly KnownPbx[], pbxId: string): string | undefined {
  const pbx = pbxs.find(({ settings }) => settings.id === pbxId)
  if (pbx?.settings.edge) return 'whether the edge refuses it: see the line edge'
  if (pbx?.settings.driven.kind === 'freeswitch' && pbx.settings.driven.subjects) return 'see the line allow-list'
  if (pbx?.driver.abilities.revocationLists !== 'not-checked') return undefined
  const name = pbxs.length === 1 ? 'this PBX' : `PBX ${pbx.settings.name}`
  return `${name} does not check revocation lists`
}
