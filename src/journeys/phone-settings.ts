/** What admins set for phones' files. The door's memory goes by the settings themselves, so nobody's generation grows. */
import type { Problem } from '../domain/parse.ts'
import { type PhoneSetting, type PhoneSettingAddress, phoneSettingId } from '../domain/phone-setting.ts'
import { parsePhoneSetting } from '../domain/phone-setting-value.ts'
import { defaultId } from '../domain/site.ts'
import type { Actor } from '../domain/token.ts'
import { AppError, asAppError } from '../errors.ts'
import type { StoreReader } from '../store/store.ts'
import { filesChangedBySettings } from './changed-files.ts'
import { auditEvent, type JourneyContext } from './context.ts'
import type { DoctorCheck } from './doctor-view.ts'
import { phoneOf } from './file-values.ts'
import type { ChangedHandset } from './file-view.ts'
import { handsetName } from './find-handset.ts'
import { invalid } from './refusal.ts'
import type { EffectiveSettingView, PhoneSettingChange, PhoneSettingView } from './setting-view.ts'
import { tellWords } from './tell-words.ts'

type Settings = Pick<JourneyContext, 'store' | 'system' | 'catalogue' | 'phoneSettings'>

/** `dryRun`: nothing is written and nobody is told; the answer says what would be. */
interface ChangeOptions {
  readonly dryRun: boolean
}

export function phoneSettingViews(context: Settings): Promise<readonly PhoneSettingView[]> {
  return Promise.all(context.phoneSettings.all().map((setting) => viewOf(context, setting, null)))
}

export async function handsetSettings(
  { store, catalogue, phoneSettings }: Settings,
  handsetId: string,
): Promise<readonly EffectiveSettingView[]> {
  const handset = await store.get('handset', handsetId)
  if (!handset) throw noHandset()
  return phoneSettings.effective(phoneOf(catalogue, handset)).map((setting) => ({
    ...setting,
    note: noteOn(catalogue, handset.model, setting.name, setting.value),
  }))
}

export async function setPhoneSetting(
  context: JourneyContext,
  address: PhoneSettingAddress,
  text: string,
  { dryRun }: ChangeOptions,
  actor: Actor,
): Promise<PhoneSettingChange> {
  const { store, system, catalogue, phoneSettings } = context
  const { layer, scope, name } = address
  const { model, employeeId } = await ownerOf(context, store, address)
  const value = checked(context, address, text, model)
  const wanted = { id: phoneSettingId(address), layer, scope, name, value }
  const changes = await filesChangedBySettings(context, [
    ...phoneSettings.all().filter(({ id }) => id !== wanted.id),
    { ...wanted, setAt: system.now().toISOString(), setBy: actor.name },
  ])
  const note = model && noteOn(catalogue, model, name, value)
  if (dryRun) {
    const setting = { ...wanted, setAt: system.now().toISOString(), setBy: actor.name }
    return { ...(await viewOf(context, setting, note)), dryRun, changes, telling: [] }
  }
  const setting = await store.transaction(async (tx) => {
    // Again inside: the handset may have been taken back a moment ago.
    await ownerOf(context, tx, address)
    const id = phoneSettingId(address)
    const before = await tx.get('phoneSetting', id)
    if (before?.value === value) return before
    const after = { id, layer, scope, name, value, setAt: system.now().toISOString(), setBy: actor.name }
    await tx.put('phoneSetting', [after])
    await tx.record(changed(context, address, { employeeId, actor }, { value, before: before?.value ?? null }))
    return after
  })
  await phoneSettings.refresh()
  tell(context, changes, actor)
  return { ...(await viewOf(context, setting, note)), dryRun, changes, telling: tellWords(context, changes) }
}

/** Also of a handset that was taken back, whose settings stay until its owner is erased. */
export async function unsetPhoneSetting(
  context: JourneyContext,
  address: PhoneSettingAddress,
  { dryRun }: ChangeOptions,
  actor: Actor,
): Promise<PhoneSettingChange> {
  const { phoneSettings } = context
  const id = phoneSettingId(address)
  const present = phoneSettings.all().find((setting) => setting.id === id)
  const rest = phoneSettings.all().filter((setting) => setting.id !== id)
  const changes = present ? await filesChangedBySettings(context, rest) : []
  if (dryRun && present) return { ...(await viewOf(context, present, null)), dryRun, changes, telling: [] }
  const gone = await context.store.transaction(async (tx) => {
    const { layer, scope, name } = address
    const before = await tx.get('phoneSetting', phoneSettingId(address))
    if (!before)
      throw new AppError('NOT_FOUND', `nothing is set as ${name} there`, { hint: 'look at `ringfence phone-settings`' })
    const employeeId = layer === 'handset' ? (await tx.get('handset', scope))?.employeeId : undefined
    await tx.remove('phoneSetting', [before.id])
    await tx.record(changed(context, address, { employeeId, actor }, { value: null, before: before.value }))
    return before
  })
  await phoneSettings.refresh()
  tell(context, changes, actor)
  return { ...(await viewOf(context, gone, null)), dryRun: false, changes, telling: tellWords(context, changes) }
}

/** Only those whose files changed; the next poll is the safety net. */
function tell({ tellPhones }: JourneyContext, changes: readonly ChangedHandset[], actor: Actor): void {
  tellPhones(
    changes.map(({ handsetId }) => handsetId),
    actor,
  )
}

/** What was fit to be set once and is no longer: a file that was changed since may say by itself what an admin's lines say. */
export async function phoneSettingChecks(context: Settings): Promise<DoctorCheck[]> {
  const checks: DoctorCheck[] = []
  for (const setting of context.phoneSettings.all()) {
    const { layer, scope, name, value } = setting
    const handset = layer === 'handset' ? await context.store.get('handset', scope) : undefined
    if (handset && handset.removedAt !== null) continue
    try {
      checked(context, setting, value, layer === 'model' ? scope : (handset?.model ?? null))
    } catch (error) {
      checks.push({
        area: 'settings',
        state: 'problem',
        message: `${name} of ${layer} ${scope}: ${asAppError(error).message}`,
        hint: `set it anew, or: ringfence phone-settings unset ${layer} ${scope} ${name}`,
      })
    }
  }
  return checks
}

/** @throws AppError NOT_FOUND, MODEL_UNKNOWN, or CONFLICT for a handset that was taken back */
async function ownerOf(
  { catalogue }: Settings,
  reader: Pick<StoreReader, 'get'>,
  { layer, scope }: PhoneSettingAddress,
): Promise<{ readonly model: string | null; readonly employeeId?: string }> {
  if (layer === 'site') {
    if (scope === defaultId) return { model: null }
    throw new AppError('NOT_FOUND', `there is no site ${JSON.stringify(scope.slice(0, 40))}`, {
      hint: `the one site is called ${defaultId}`,
    })
  }
  if (layer === 'model') {
    const model = catalogue.model(scope)
    if (model && model.kind !== 'gateway') return { model: model.id }
    const near = catalogue.nearest(scope)
    throw new AppError('MODEL_UNKNOWN', `${JSON.stringify(scope.slice(0, 60))} is not a model of a phone`, {
      hint: `${near.length > 0 ? `did you mean ${near.slice(0, 2).join(' or ')}? ` : ''}\`ringfence models\` lists them`,
    })
  }
  const handset = await reader.get('handset', scope)
  if (!handset) throw noHandset()
  if (handset.removedAt === null) return { model: handset.model, employeeId: handset.employeeId }
  throw new AppError('CONFLICT', 'this handset was taken back', { hint: 'it gets no file any more' })
}

function checked(
  { catalogue }: Settings,
  { layer, name }: PhoneSettingAddress,
  text: string,
  model: string | null,
): string {
  const parsed = parsePhoneSetting(layer, name, text)
  const refuse = (problem: Problem) => {
    throw invalid([problem])
  }
  if (!parsed.ok) return refuse(parsed.problem)
  const [kind, named] = name.split('.')
  const makers = [...new Set(catalogue.models.filter((one) => one.kind !== 'gateway').map((one) => one.vendor))].sort()
  if (named !== undefined && !makers.includes(named))
    return refuse({
      field: 'name',
      message: `there is no maker ${JSON.stringify(named.slice(0, 40))}`,
      hint: `one of ${makers.join(', ')}`,
    })
  const vendor = named ?? model
  if (kind !== 'extraLines' || vendor === null) return parsed.value
  const wrong = catalogue.extraLinesProblem(vendor!, parsed.value)
  return wrong === null
    ? parsed.value
    : refuse({
        field: 'value',
        message: `these lines cannot stand in the file of ${vendor}: ${wrong}`,
        hint: "write them as they stand in that vendor's file; docs/phone-settings.md has an example of each",
      })
}

function changed(
  context: Settings,
  { layer, scope, name }: PhoneSettingAddress,
  { employeeId = null, actor }: { readonly employeeId?: string | null | undefined; readonly actor: Actor },
  values: Readonly<Record<'value' | 'before', string | null>>,
) {
  const who = { employeeId, subjectId: scope, actor }
  return auditEvent(context, 'phone-setting.changed', who, { layer, scope, name, ...values })
}

function noHandset(): AppError {
  return new AppError('NOT_FOUND', 'there is no such handset', { hint: '`ringfence show WHO` prints the ids' })
}

async function viewOf(
  { store }: Settings,
  { id: _, ...setting }: PhoneSetting,
  note: string | null,
): Promise<PhoneSettingView> {
  const handset = setting.layer === 'handset' ? await store.get('handset', setting.scope) : undefined
  return { ...setting, note, handset: handset ? await handsetName(store, handset) : null }
}

/** No phone takes a text for the place where it stands, and none should be expected to: that is not a gap of one model. */
function noteOn(catalogue: Settings['catalogue'], model: string, name: string, value: string): string | null {
  const note = catalogue.settingNote(model, name, value)
  return note !== null && name === 'emergencyNote'
    ? 'shown on the invite page and in this list; no phone takes a text for it'
    : note
}
