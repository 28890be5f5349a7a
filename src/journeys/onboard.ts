import { policyText } from '../domain/call-policy.ts'
import type { Assignment, Employee } from '../domain/employee.ts'
import type { Gateway, Handset } from '../domain/handset.ts'
import { enrolmentToken, tokenHash } from '../domain/invite.ts'
import type { Language } from '../domain/language.ts'
import { personMessage } from '../domain/outbox.ts'
import type { Actor } from '../domain/token.ts'
import type { Withdrawal } from '../domain/withdrawal.ts'
import { AppError } from '../errors.ts'
import type { StoreWriter } from '../store/store.ts'
import { newId } from '../system.ts'
import type { HandsetInput, Onboarded, OnboardInput } from './application.ts'
import {
  type CheckedHandset,
  type CheckedPerson,
  checkGateway,
  checkHandset,
  checkPerson,
  takenBy,
  warningsFor,
} from './check-person.ts'
import { gatewayOf, ownGateway } from './choose-gateway.ts'
import { auditEvent, type JourneyContext } from './context.ts'
import { requireDialPlan } from './dial-plans.ts'
import { doorTokens, invitedBy, type NewInvite, newInvite } from './enrolment.ts'
import { demandAdoptable, demandFree, demandMayAdopt } from './extension-obstacles.ts'
import { announce, insertKit, type Kit, prepareKit } from './kit.ts'
import { severalPbxs } from './known-pbx.ts'
import { mailLanguage, newMail } from './mails.ts'
import { invalid, taken } from './refusal.ts'
import { viewOf } from './views.ts'
import { appendToJournal, closeInvites } from './withdraw.ts'

/** One new person with all handsets, in one transaction: all of it or nothing. */
export async function onboard(context: JourneyContext, input: OnboardInput, actor: Actor): Promise<Onboarded> {
  const person = checkPerson(context, input)
  if (person.adopt) {
    demandMayAdopt(actor)
    await demandAdoptable(context, person.pbx, person.extension)
  }
  const claimed = await takenBy(context, person.pbx.settings.id, person)
  if (claimed.length > 0) throw taken(claimed)
  if (person.calls !== null) await requireDialPlan(context, person.pbx.settings.site)
  if (!person.adopt) await demandFree(context, person.pbx, person.extension)
  const mail = input.mail === undefined ? null : mailLanguage(context, input.mail)
  const sharedGateway = await gatewayOf(context, input, person.handsets, person.pbx.settings.id)
  return enrolPerson(context, person, newInvite(context), actor, { sharedGateway, mail })
}

/** The same for people who were checked already (roster import). */
export async function enrolPerson(
  context: JourneyContext,
  person: CheckedPerson,
  invite: NewInvite,
  actor: Actor,
  { sharedGateway = null, mail = null }: { sharedGateway?: Gateway | null; mail?: Language | null } = {},
): Promise<Onboarded> {
  const now = invite.createdAt
  const employee: Employee = {
    id: newId(context.system),
    siteId: person.pbx.settings.site.id,
    name: person.name,
    email: person.email,
    lifecycle: 'active',
    generation: 1,
    createdAt: now,
    offboardRequestedAt: null,
    offboardRequestedBy: null,
    offboardReason: null,
    offboardedAt: null,
    leaverFile: null,
  }
  const assignment: Assignment = {
    id: newId(context.system),
    employeeId: employee.id,
    pbxId: person.pbx.settings.id,
    extension: person.extension,
    fromAt: now,
    untilAt: null,
    adoptedAt: person.adopt ? now : null,
    callPolicy: person.calls === null ? null : JSON.stringify(person.calls),
    generation: 1,
  }
  const kit = await prepareKit(context, {
    employee,
    assignment,
    handsets: person.handsets,
    gateway: sharedGateway ? null : person.gateway,
    existingGateway: sharedGateway,
    invite,
    sharedCredential: null,
  })
  await context.store.transaction(async (tx) => {
    await tx.insert('employee', [employee])
    await tx.insert('assignment', [assignment])
    await insertKit(context, tx, kit)
    await insertInvite(context, tx, employee.id, invite, actor, mail)
    await tx.record(
      auditEvent(
        context,
        'employee.onboarded',
        { employeeId: employee.id, actor },
        {
          extension: person.extension,
          ...(severalPbxs(context) ? { pbx: person.pbx.settings.name } : {}),
          ...(person.adopt ? { adopted: true } : {}),
          handsets: person.handsets.map(({ model }) => model.id),
          ...(person.calls === null ? {} : { calls: policyText(person.calls) }),
        },
      ),
    )
    await tx.insert('outbox', [personMessage(newId(context.system), 'employee.onboarded', employee.id, now)])
  })
  announce(context, employee.id, kit)
  if (person.calls !== null) context.loop.nudge('assignment', [assignment.id])
  return onboarded(context, employee.id, invite, warningsFor(context.catalogue, person.handsets))
}

/** Another handset for somebody who has one; whoever did not enrol yet gets the new link too. */
export async function addHandset(
  context: JourneyContext,
  employeeId: string,
  input: HandsetInput,
  actor: Actor,
): Promise<Onboarded> {
  const addition = await prepareAddition(context, employeeId, input)
  const withdrawn = await context.store.transaction((tx) => insertAddition(context, tx, addition, actor))
  await appendToJournal(context, withdrawn)
  announce(context, employeeId, addition.kit)
  return onboarded(context, employeeId, addition.invite, warningsFor(context.catalogue, [addition.handset]))
}

export interface Addition {
  readonly employee: Employee
  readonly handset: CheckedHandset
  readonly invite: NewInvite
  readonly kit: Kit
}

/** Everything slow, before the transaction. `onGateway`: the one it hangs on, where that is settled. */
export async function prepareAddition(
  context: JourneyContext,
  employeeId: string,
  input: HandsetInput,
  onGateway: Gateway | null = null,
): Promise<Addition> {
  const { employee, assignment } = await activeHolder(context, employeeId)
  const problems: Parameters<typeof checkHandset>[2] = []
  const handset = checkHandset(context.catalogue, input, problems)
  const wantedGateway = checkGateway(context.catalogue, input.gateway, [handset], problems)
  if (problems.length > 0 || !handset) throw invalid(problems)
  const asked = input.gateway === undefined ? null : wantedGateway
  const existing =
    onGateway ??
    (await gatewayOf(context, input, [handset], assignment.pbxId)) ??
    (wantedGateway ? await ownGateway(context, employeeId, asked) : null)
  const shared =
    (await context.store.find('sipCredential', { assignmentId: assignment.id, handsetId: null, closedAt: null }))[0] ??
    null
  const invite = newInvite(context)
  const kit = await prepareKit(context, {
    employee,
    assignment,
    handsets: [handset],
    gateway: existing ? null : wantedGateway,
    existingGateway: existing,
    invite,
    sharedCredential: shared,
  })
  return { employee, handset, invite, kit }
}

/** In the caller's transaction. Returns what goes into the journal. */
export async function insertAddition(
  context: JourneyContext,
  tx: StoreWriter,
  { employee: { id: employeeId }, handset, invite, kit }: Addition,
  actor: Actor,
): Promise<readonly Withdrawal[]> {
  const current = await tx.get('employee', employeeId)
  if (current?.lifecycle !== 'active') throw new AppError('CONFLICT', 'this person is being offboarded')
  await insertKit(context, tx, kit)
  await tx.update('employee', employeeId, { generation: current.generation + 1 })
  for (const waiting of await tx.find('handset', { employeeId, removedAt: null })) {
    if (waiting.enrolledAt === null && !kit.handsets.some((made) => made.id === waiting.id)) {
      await tx.update(
        'handset',
        waiting.id,
        doorTokens(context, waiting.id, waiting.doorGeneration, invite, waiting.formerTokenHash),
      )
      await keepKey(tx, waiting, invite)
    }
  }
  const withdrawn = await insertInvite(context, tx, employeeId, invite, actor)
  const who = { employeeId, subjectId: kit.handsets[0]!.id, actor }
  await tx.record(auditEvent(context, 'handset.added', who, { model: handset.model.id }))
  return withdrawn
}

/** The key of a tunnel that is still to be fetched is good for as long as the link that shows it. */
async function keepKey(tx: StoreWriter, { id, gatewayId }: Handset, { expiresAt }: NewInvite): Promise<void> {
  for (const tunnel of await tx.find('tunnel', { carrierId: gatewayId ?? id, closedAt: null })) {
    if (tunnel.privateKeySealed !== null) await tx.update('tunnel', tunnel.id, { keyWindowEndsAt: expiresAt })
  }
}

/** @throws AppError NOT_FOUND, or CONFLICT for a leaver */
export async function activeHolder(
  context: Pick<JourneyContext, 'store'>,
  employeeId: string,
): Promise<{ employee: Employee; assignment: Assignment }> {
  const employee = await context.store.get('employee', employeeId)
  if (!employee) throw new AppError('NOT_FOUND', 'there is no such person')
  const assignment = (await context.store.find('assignment', { employeeId, untilAt: null }))[0]
  if (employee.lifecycle !== 'active' || !assignment) {
    throw new AppError('CONFLICT', `${employee.name} has left`, {
      hint: 'a rehire is a new onboarding: new keys, certificate and secret',
    })
  }
  return { employee, assignment }
}

export async function onboarded(
  context: JourneyContext,
  employeeId: string,
  invite: NewInvite,
  warnings: readonly string[],
): Promise<Onboarded> {
  const [access] = await context.store.employeesWithAccess({ ids: [employeeId] })
  const door = context.config.phoneDoor.url
  const invited = access!.handsets.filter((handset) => handset.removedAt === null && invitedBy(invite.token, handset))
  return {
    employee: await viewOf(context, employeeId),
    invite: { url: `${door}/join/${invite.token}`, expiresAt: invite.expiresAt },
    provisioningUrls: Object.fromEntries(
      invited.map((handset) => [handset.id, `${door}/p/${enrolmentToken(invite.token, handset.id)}/`]),
    ),
    warnings,
  }
}

/** Closes older links and writes the new one, with the mail that brings it where a language is named. Returns what goes into the journal. */
export async function insertInvite(
  context: JourneyContext,
  tx: StoreWriter,
  employeeId: string,
  invite: NewInvite,
  actor: Actor,
  mail: Language | null = null,
): Promise<readonly Withdrawal[]> {
  const withdrawn = await closeInvites(tx, employeeId, invite.createdAt)
  const id = newId(context.system)
  await tx.insert('invite', [
    {
      id,
      employeeId,
      tokenHash: tokenHash(invite.token),
      createdAt: invite.createdAt,
      expiresAt: invite.expiresAt,
      closedAt: null,
    },
  ])
  if (mail !== null) {
    const employee = await tx.get('employee', employeeId)
    await tx.insert('mail', [newMail(context, { employeeId, recipient: employee!.email, language: mail }, invite)])
  }
  await tx.record(
    auditEvent(context, 'invite.created', { employeeId, subjectId: id, actor }, { expiresAt: invite.expiresAt }),
  )
  return withdrawn
}
