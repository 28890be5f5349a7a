import { enrolmentToken, type Invite, looksLikeToken, tokenHash } from '../domain/invite.ts'
import type { Language } from '../domain/language.ts'
import { Secret } from '../domain/secret.ts'
import { AppError } from '../errors.ts'
import type { EmployeeAccess } from '../store/store.ts'
import type { Onboarded } from './application.ts'
import { warningsFor } from './check-person.ts'
import type { JourneyContext } from './context.ts'
import { invitedBy } from './enrolment.ts'
import { settingsOf } from './file-values.ts'
import type { HandOver, Sheet, SheetPile } from './sheet-view.ts'
import { viewOf } from './views.ts'

const goodForMs = 3_600_000

interface Sealed {
  readonly token: string
  readonly until: string
}

export function handOverReference(
  { vault, system }: JourneyContext,
  { employee, invite }: Pick<Onboarded, 'employee' | 'invite'>,
): string {
  const until = new Date(system.now().getTime() + goodForMs).toISOString()
  const sealed: Sealed = { token: invite.url.split('/').at(-1) ?? '', until }
  return vault.seal(new Secret(JSON.stringify(sealed)), contextOf(employee.id))
}

/** @throws AppError NOT_FOUND */
export async function openHandOver(context: JourneyContext, employeeId: string, reference: string): Promise<HandOver> {
  const token = tokenIn(context, employeeId, reference)
  const [invite] = token === null ? [] : await context.store.find('invite', { tokenHash: tokenHash(token) })
  const [access] = await context.store.employeesWithAccess({ ids: [employeeId] })
  if (token === null || !access || !isGood(context, invite, employeeId)) throw gone()
  const models = access.handsets.flatMap((handset) => {
    const model = handset.removedAt === null && context.catalogue.model(handset.model)
    return model ? [{ model, mac: handset.mac }] : []
  })
  return {
    ...(await sheetOf(context, access, token, invite)),
    employee: await viewOf(context, employeeId),
    warnings: [...new Set(warningsFor(context.catalogue, models))],
  }
}

/** @param links by the id of the employee */
export async function sheetPile(
  context: JourneyContext,
  links: ReadonlyMap<string, string>,
  { offset, limit }: { readonly offset: number; readonly limit: number },
): Promise<SheetPile> {
  const open = await context.store.openInvites([...links.keys()], context.system.now().toISOString())
  const byHash = new Map(open.map((invite) => [invite.tokenHash, invite]))
  const good = [...links].flatMap(([employeeId, url]) => {
    const token = url.split('/').at(-1) ?? ''
    const invite = byHash.get(tokenHash(token))
    return invite?.employeeId === employeeId ? [{ employeeId, token, invite }] : []
  })
  const page = good.slice(offset, offset + limit)
  const found = await context.store.employeesWithAccess({ ids: page.map(({ employeeId }) => employeeId) })
  const byId = new Map(found.map((access) => [access.employee.id, access]))
  const sheets = await Promise.all(
    page.map(({ employeeId, token, invite }) => sheetOf(context, byId.get(employeeId)!, token, invite)),
  )
  return { sheets, total: good.length, stale: links.size - good.length }
}

async function sheetOf(
  context: JourneyContext,
  access: EmployeeAccess,
  token: string,
  { expiresAt }: Invite,
): Promise<Sheet> {
  const { employee } = access
  const door = context.config.phoneDoor.url
  return {
    employeeId: employee.id,
    name: employee.name,
    extension: access.assignments.find(({ untilAt }) => untilAt === null)?.extension ?? '',
    inviteUrl: `${door}/join/${token}`,
    expiresAt,
    language: await languageOf(context, employee.id),
    handsets: access.handsets
      .filter(({ removedAt }) => removedAt === null)
      .map((handset) => {
        const model = context.catalogue.model(handset.model)
        const open = handset.enrolledAt === null && invitedBy(token, handset)
        return {
          id: handset.id,
          modelName: model?.name ?? handset.model,
          kind: model?.kind === 'softphone' ? ('softphone' as const) : ('desk-phone' as const),
          mac: handset.mac,
          provisioningUrl: open ? `${door}/p/${enrolmentToken(token, handset.id)}/` : null,
          typing: model?.typing ?? null,
          notes: model?.notes ?? [],
          emergencyNote: settingsOf(context, handset).emergencyNote ?? null,
          behindGateway: handset.gatewayId !== null,
        }
      }),
    gateways: access.gateways
      .filter(({ removedAt, employeeId }) => removedAt === null && employeeId === employee.id)
      .map(({ kind }) => ({ kind, name: context.catalogue.model(`gateway-${kind}`)?.name ?? kind })),
  }
}

async function languageOf({ store, mail }: JourneyContext, employeeId: string): Promise<Language> {
  return (await store.find('mail', { employeeId })).at(-1)?.language ?? mail?.mailer.language ?? 'en'
}

function isGood({ system }: JourneyContext, invite: Invite | undefined, employeeId: string): invite is Invite {
  return invite?.employeeId === employeeId && invite.closedAt === null && invite.expiresAt > system.now().toISOString()
}

function tokenIn({ vault, system }: JourneyContext, employeeId: string, reference: string): string | null {
  try {
    const { token, until }: Sealed = JSON.parse(vault.open(reference, contextOf(employeeId)).reveal())
    return looksLikeToken(token) && until > system.now().toISOString() ? token : null
  } catch {
    return null
  }
}

function contextOf(employeeId: string): string {
  return `hand-over:${employeeId}`
}

function gone(): AppError {
  return new AppError('NOT_FOUND', 'this link cannot be shown any more', {
    hint: 'it is shown for an hour after it was made, and not once it was replaced; a new link can be made at any time',
  })
}
