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
  const settings = await store.find('phoneSetting', {})
  const before = { catalogue: context.catalogue, settings }
  const changes = await changedFiles(context, before, { catalogue, settings })
  refuseLostModels(changes, catalogue)
  const { edition } = catalogue
  if (!dryRun && edition !== context.catalogue.edition) {
    const detail = { edition, replaced, handsets: changes.length }
    await store.transaction((tx) => tx.record(auditEvent(context, 'templates.reloaded', { actor }, detail)))
    replace(catalogue)
    log.info(detail, 'the templates were read again')
  }
  return { dryRun, replaced, unused, changes }
}

/** A phone whose model is gone would get nothing but refusals, also of the document that takes its account away. */
function refuseLostModels(changes: TemplateReload['changes'], catalogue: Catalogue): void {
  const lost = lostModels(changes, catalogue)
  if (lost === null) return
  throw new AppError('CONFLICT', `handsets are handed out whose model the templates do not have: ${lost}`, {
    hint: 'put the folder of this vendor back, or take these handsets back first',
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
