/** Handsets, ledger, audit log and hub of the fake application: the plain meaning of each question, over a map. */
import type { Actor } from '../../src/domain/token.ts'
import { AppError } from '../../src/errors.ts'
import type { Application, EmployeeView, ModelView } from '../../src/journeys/application.ts'
import type { HandsetQuery, HandsetRow, LedgerLine } from '../../src/journeys/handsets-view.ts'
import type { AuditLine } from '../../src/journeys/records-view.ts'

export interface FakeHandsetParts {
  readonly all: () => readonly EmployeeView[]
  readonly models: readonly ModelView[]
  readonly did: (deed: string, actor: Actor) => void
  readonly now: string
  readonly addHandset: Application['addHandset']
  readonly blankHandset: Application['blankHandset']
}

export interface FakeRecords {
  /** What a test puts there is shown. */
  readonly ledger: LedgerLine[]
  readonly audit: AuditLine[]
}

const silence = { hours: [], fiveMinutes: [] }

export function fakeHandsets(
  { all, models, did, now, addHandset, blankHandset }: FakeHandsetParts,
  records: FakeRecords,
): Pick<Application, 'handsets' | 'records'> {
  const rows = (): HandsetRow[] =>
    all().flatMap((view) =>
      view.handsets.map((handset) => ({
        handset,
        modelName: models.find(({ id }) => id === handset.model)?.name ?? handset.model,
        employee: view,
        gateway: null,
        tunnel: view.tunnels.find(({ id }) => id === handset.tunnelId) ?? null,
        access: view.access.filter(({ subject }) => [handset.id, handset.tunnelId].includes(subject.id)),
      })),
    )
  const one = (handsetId: string): HandsetRow => {
    const row = rows().find(({ handset }) => handset.id === handsetId)
    if (!row) throw new AppError('NOT_FOUND', 'there is no such handset')
    return row
  }
  const matching = ({ search = '', ids, state, model }: Omit<HandsetQuery, 'limit'>) =>
    rows().filter(
      ({ handset, employee }) =>
        `${employee.name} ${employee.extension} ${handset.model} ${handset.mac}`
          .toLowerCase()
          .includes(search.toLowerCase()) &&
        (ids === undefined || ids.includes(handset.id)) &&
        (state === undefined || (state === 'in-use') === (handset.removedAt === null)) &&
        (model === undefined || handset.model === model),
    )
  return {
    handsets: {
      async page({ offset = 0, limit, ...query }) {
        const found = matching(query)
        return { handsets: found.slice(offset, offset + limit), total: found.length }
      },
      async matching({ offset = 0, limit, ...query }) {
        const found = matching(query)
        return { ids: found.slice(offset, offset + limit).map(({ handset }) => handset.id), total: found.length }
      },
      choices: async () => ({
        models: models.map(({ id, name }) => ({ id, name })),
        sites: [{ id: 'default', name: 'Main site' }],
        gateways: [],
        firmwares: [],
      }),
      models: async (query) =>
        [...Map.groupBy(matching(query), ({ handset }) => handset.model)].map(([model, of]) => ({
          model,
          name: of[0]!.modelName,
          count: of.length,
        })),
      one: async (handsetId) => ({
        ...one(handsetId),
        model: models.find(({ id }) => id === one(handsetId).handset.model) ?? null,
        createdAt: now,
        certificate: null,
        keyWords: null,
        traffic: null,
        countingSince: now,
        staleSince: null,
        mates: 0,
      }),
      why: async (handsetId) => ({ row: one(handsetId), causes: [], fine: ['its tunnel was last heard just now'] }),
      async replace(handsetId, mac, actor) {
        const { handset, employee } = one(handsetId)
        const made = await addHandset(employee.id, { model: handset.model, mac }, actor)
        await blankHandset(handsetId, actor)
        return made
      },
      async takeBack(handsetId, reason, actor) {
        did(`takeBack:${reason ?? ''}`, actor)
        return blankHandset(handsetId, actor)
      },
      async resyncAll(handsetIds, actor) {
        did(`resyncAll:${handsetIds.length}`, actor)
        return handsetIds.length
      },
      async ledger({ handset, limit }) {
        const lines = records.ledger.filter((line) => handset === undefined || line.handset?.id === handset)
        return { lines: lines.slice(0, limit), next: null, unknown: false }
      },
    },
    records: {
      audit: async ({ limit }) => ({
        events: records.audit.slice(0, limit),
        next: null,
        groups: ['handset', 'access'],
        length: records.audit.length,
        unknown: false,
      }),
      verifyAudit: async () => ({ brokenAt: null, length: records.audit.length }),
      hub: async () => ({
        since: now,
        endpoint: 'vpn.example.com:51820',
        subnets: ['10.77.0.0/16'],
        phoneSubnets: [],
        said: null,
        failure: { at: now, message: 'the hub does not answer', hint: null },
        firewall: null,
        listing: null,
        traffic: silence,
        drift: [],
      }),
      installation: async () => ({ demo: [], groups: [], stale: null }),
    },
  }
}
