/** Lists of handsets: counted and cut by the database, shown by their holder's own view. */
import type { Handset } from '../domain/handset.ts'
import { AppError } from '../errors.ts'
import type { HandsetFilter } from '../store/console-lists.ts'
import type { EmployeeAccess } from '../store/store.ts'
import type { EmployeeView } from './application.ts'
import type { JourneyContext } from './context.ts'
import type {
  HandsetChoices,
  HandsetDetail,
  HandsetPage,
  HandsetQuery,
  HandsetRow,
  LedgerPage,
  LedgerQuery,
  ModelCount,
} from './handsets-view.ts'
import type { HubWatch } from './hub-watch.ts'
import { keyWords } from './key-words.ts'
import { certificateDueDays, type Matches } from './people-view.ts'
import { changesOfPlaces, staleSince } from './settings-drift.ts'
import { tunnelFilter } from './tunnel-filter.ts'
import { employeeViews } from './views.ts'

const dayMs = 86_400_000

export async function handsetPage(context: JourneyContext, query: HandsetQuery): Promise<HandsetPage> {
  const { ids, total } = await matchingHandsets(context, query)
  const rows = new Map((await rowsOf(context, ids)).map((row) => [row.handset.id, row]))
  return { handsets: ids.flatMap((id) => rows.get(id) ?? []), total }
}

export async function matchingHandsets(context: JourneyContext, query: HandsetQuery): Promise<Matches> {
  const { sort = 'name', descending = false, offset = 0, limit } = query
  return context.store.handsetPage(await filterOf(context, query), { sort, descending, offset, limit })
}

export async function handsetModels(
  context: JourneyContext,
  query: Omit<HandsetQuery, 'limit'>,
): Promise<readonly ModelCount[]> {
  const found = await context.store.handsetModels(await filterOf(context, query))
  return found.map(({ model, count }) => ({ model, count, name: context.catalogue.model(model)?.name ?? model }))
}

export async function handsetChoices({ store, catalogue }: JourneyContext): Promise<HandsetChoices> {
  const [models, sites, kinds] = [await store.modelsInUse(), await store.find('site', {}), await store.seenKinds()]
  const firmwares = new Set(kinds.flatMap(({ seenFirmware }) => seenFirmware ?? []))
  return {
    models: models.map((id) => ({ id, name: catalogue.model(id)?.name ?? id })),
    sites: sites.map(({ id, name }) => ({ id, name })),
    gateways: catalogue.models
      .filter(({ kind }) => kind === 'gateway')
      .map(({ id, name }) => ({ kind: id.replace(/^gateway-/, ''), name })),
    firmwares: [...firmwares].sort(),
  }
}

async function filterOf(context: JourneyContext, query: Omit<HandsetQuery, 'limit'>): Promise<HandsetFilter> {
  const { search, ids, site, state, model, gateway, tunnel, firmware, attention } = query
  const ago = (ms: number) => new Date(context.system.now().getTime() - ms).toISOString()
  return {
    ...(search === undefined || search.trim() === '' ? {} : { search }),
    ...(ids && { ids }),
    ...(site && { siteId: site }),
    ...(state && { state }),
    ...(model && { model }),
    ...(gateway && { gateway }),
    ...(tunnel !== undefined && { tunnel: tunnelFilter(context, tunnel) }),
    ...(firmware !== undefined && { firmware }),
    ...(attention === 'open-doors' && { openVerdicts: true }),
    ...(attention === 'warnings' && { doubted: await doubtedKinds(context) }),
    ...(attention === 'certificate-due' && { certificateEndsBefore: ago(-certificateDueDays * dayMs) }),
    ...(attention === 'stale' && { staleSince: await changesOfPlaces(context) }),
  }
}

/** There are few kinds of phones and firmwares, however many phones: each is judged once. */
async function doubtedKinds({ store, catalogue }: JourneyContext) {
  return (await store.seenKinds()).filter(({ model, seenModel, seenFirmware }) => {
    const seen = { model: seenModel, firmware: seenFirmware, mac: null }
    return catalogue.contradictions(model, null, seen).length > 0
  })
}

async function rowsOf(context: JourneyContext, ids: readonly string[]): Promise<readonly HandsetRow[]> {
  const found = await Promise.all(ids.map((id) => context.store.get('handset', id)))
  const handsets = found.filter((handset) => handset !== undefined)
  const holders = [...new Set(handsets.map(({ employeeId }) => employeeId))]
  const accesses = await context.store.employeesWithAccess({ ids: holders })
  const views = await employeeViews(context, accesses)
  const people = new Map(accesses.map((access, place) => [access.employee.id, { access, view: views[place]! }]))
  return handsets.flatMap((handset) => {
    const holder = people.get(handset.employeeId)
    return holder ? [rowOf(context, handset, holder)] : []
  })
}

function rowOf(
  { catalogue }: JourneyContext,
  handset: Handset,
  { access, view }: { access: EmployeeAccess; view: EmployeeView },
): HandsetRow {
  const own = view.handsets.find(({ id }) => id === handset.id)!
  const gateway = access.gateways.find(({ id }) => id === handset.gatewayId)
  const subjects = new Set<string>([
    handset.id,
    ...(own.tunnelId === null ? [] : [own.tunnelId]),
    ...access.certificates.flatMap(({ id, handsetId }) => (handsetId === handset.id ? [id] : [])),
    ...access.credentials.flatMap(({ id, handsetId, assignmentId }) =>
      handsetId === handset.id || (handsetId === null && assignmentId === handset.assignmentId) ? [id] : [],
    ),
  ])
  const { id, name, email, lifecycle } = view
  const extension = access.assignments.find((assignment) => assignment.id === handset.assignmentId)?.extension ?? ''
  return {
    handset: own,
    modelName: catalogue.model(handset.model)?.name ?? handset.model,
    employee: { id, name, email, extension, lifecycle },
    gateway: gateway ? { id: gateway.id, kind: gateway.kind } : null,
    tunnel: view.tunnels.find((tunnel) => tunnel.id === own.tunnelId) ?? null,
    // `<tunnel>#<handset>` is this phone's part of a gateway's tunnel.
    access: view.access.filter(
      ({ subject }) => subjects.has(subject.id) || subject.id === `${own.tunnelId}#${handset.id}`,
    ),
  }
}

/** @throws AppError NOT_FOUND */
export async function handsetRow(context: JourneyContext, handsetId: string): Promise<HandsetRow> {
  const [row] = await rowsOf(context, [handsetId])
  if (row) return row
  throw new AppError('NOT_FOUND', 'there is no such handset', { hint: 'look for it in the list of handsets' })
}

export async function handsetDetail(
  context: JourneyContext,
  watch: HubWatch,
  handsetId: string,
): Promise<HandsetDetail> {
  const { store, catalogue, system } = context
  const row = await handsetRow(context, handsetId)
  const handset = (await store.get('handset', handsetId))!
  const tunnel = row.tunnel && (await store.get('tunnel', row.tunnel.id))
  const certificate = (await store.find('certificate', { handsetId })).at(-1)
  const mates = row.gateway ? await store.find('handset', { gatewayId: row.gateway.id, removedAt: null }) : []
  return {
    ...row,
    model: catalogue.models.find(({ id }) => id === handset.model) ?? null,
    createdAt: handset.createdAt,
    certificate: certificate ?? null,
    keyWords: tunnel ? keyWords(tunnel) : null,
    traffic: tunnel?.publicKey ? watch.traffic.of(tunnel.publicKey, system.now()) : null,
    countingSince: watch.since,
    staleSince: await staleSince(context, handset),
    mates: mates.filter(({ id }) => id !== handsetId).length,
  }
}

export async function ledgerPage({ store, catalogue }: JourneyContext, query: LedgerQuery): Promise<LedgerPage> {
  const { who, handset, limit, ...rest } = query
  const person = who === undefined ? undefined : await store.employeeBy(who)
  if (who !== undefined && !person) return { lines: [], next: null, unknown: true }
  const found = await store.ledgerPage({
    ...rest,
    ...(person && { employeeId: person.id }),
    ...(handset !== undefined && { handsetId: handset }),
    limit: limit + 1,
  })
  const lines = found.slice(0, limit).map(({ model, mac, name, handsetId, employeeId, contentHash: _, ...line }) => ({
    ...line,
    employee: employeeId === null ? null : { id: employeeId, name: name ?? 'somebody who was erased' },
    handset:
      handsetId === null
        ? null
        : { id: handsetId, name: catalogue.model(model ?? '')?.name ?? model ?? 'a handset', mac },
  }))
  return { lines, next: found.length > limit ? (lines.at(-1)?.id ?? null) : null, unknown: false }
}
