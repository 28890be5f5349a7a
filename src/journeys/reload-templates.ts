import { blankingDays } from '../domain/door.ts'
import type { Actor } from '../domain/token.ts'
import { AppError } from '../errors.ts'
import type { Catalogue, LoadedTemplates } from '../phones/phone-port.ts'
import { changedFiles } from './changed-files.ts'
import { auditEvent, type JourneyContext } from './context.ts'
import type { TemplateReload } from './file-view.ts'

/** The folders of templates, and the catalogue that everybody uses. */
export interface TemplateShelf {
  /** What the folders hold now. @throws AppError TEMPLATE_INVALID */
  readonly load: () => Promise<LoadedTemplates>
  /** From now on for everybody. */
  readonly replace: (next: Catalogue) => void
}

export type ReloadTemplates = (options: { readonly dryRun: boolean }, actor: Actor) => Promise<TemplateReload>

/** One reload after the other: an older look at the folder must not overwrite a newer one. */
export function templateReload(context: JourneyContext, shelf: TemplateShelf): ReloadTemplates {
  let last: Promise<unknown> = Promise.resolve()
  return (options, actor) => {
    const mine = last.then(() => reload(context, shelf, options, actor))
    last = mine.catch(() => undefined)
    return mine
  }
}

async function reload(
  context: JourneyContext,
  { load, replace }: TemplateShelf,
  { dryRun }: { readonly dryRun: boolean },
  actor: Actor,
): Promise<TemplateReload> {
  const { store, log } = context
  const { catalogue, replaced, unused } = await load()
  await refuseLostModels(context, catalogue)
  const settings = await store.find('phoneSetting', {})
  const before = { catalogue: context.catalogue, settings }
  const changes = await changedFiles(context, before, { catalogue, settings })
  const { edition } = catalogue
  if (!dryRun && edition !== context.catalogue.edition) {
    const detail = { edition, replaced, handsets: changes.length }
    await store.transaction((tx) => tx.record(auditEvent(context, 'templates.reloaded', { actor }, detail)))
    replace(catalogue)
    context.tellPhones(
      changes.map(({ handsetId }) => handsetId),
      actor,
    )
    log.info(detail, 'the templates were read again')
  }
  return { dryRun, replaced, unused, changes }
}

/** A phone whose model is gone would get nothing but refusals, also of the document that takes its account away. */
async function refuseLostModels({ catalogue: now, store, system }: JourneyContext, next: Catalogue): Promise<void> {
  const gone = now.models.filter(({ id }) => next.model(id) === undefined)
  const handsets = await Promise.all(gone.map(({ id }) => store.find('handset', { model: id })))
  const blankedUntil = new Date(system.now().getTime() - blankingDays * 86_400_000).toISOString()
  const lost = lostModels(
    handsets.flat().filter(({ removedAt }) => removedAt === null || removedAt > blankedUntil),
    next,
  )
  if (lost === null) return
  throw new AppError('CONFLICT', `phones still ask for files of models that the templates do not have: ${lost}`, {
    hint: `put the folder of this vendor back; it can go ${blankingDays} days after the last such phone was taken back`,
  })
}

/** Models of these handsets that a catalogue does not know, and how many handsets each has: `acme-mobile (3)`. */
export function lostModels(handsets: readonly { readonly model: string }[], catalogue: Catalogue): string | null {
  const lost = Map.groupBy(
    handsets.filter(({ model }) => catalogue.model(model) === undefined),
    ({ model }) => model,
  )
  return lost.size === 0 ? null : [...lost].map(([model, { length }]) => `${model} (${length})`).join(', ')
}
