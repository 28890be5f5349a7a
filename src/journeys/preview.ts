import type { Handset } from '../domain/handset.ts'
import { unifiedDiff } from '../domain/line-diff.ts'
import { AppError } from '../errors.ts'
import type { FileValues } from '../phones/phone-port.ts'
import type { JourneyContext } from './context.ts'
import { phoneOf } from './file-values.ts'
import type { FilePreview, HandsetFile } from './file-view.ts'
import { maskedValues } from './masked-file.ts'
import { lastServed, spelledName } from './served-files.ts'

export async function handsetFiles(context: JourneyContext, handsetId: string): Promise<readonly HandsetFile[]> {
  const { handset, values } = await lookedAt(context, handsetId)
  const previews = await Promise.all(
    // Some files are there for handsets with a certificate only.
    filesNow(context, handset, values).map((fileName) => preview(context, handset, values, fileName)),
  )
  return previews.map(({ fileName, purpose, template, ownTemplate, fetchedAt, differs }) => ({
    fileName,
    purpose,
    template,
    ownTemplate,
    fetchedAt,
    differs,
  }))
}

export async function previewFile(context: JourneyContext, handsetId: string, asked: string): Promise<FilePreview> {
  const { handset, values } = await lookedAt(context, handsetId)
  const names = filesNow(context, handset, values)
  const fileName = spelledName(context, handset, asked)
  if (fileName === undefined || !names.includes(fileName)) {
    throw new AppError('NOT_FOUND', `this handset has no file ${JSON.stringify(asked.slice(0, 100))}`, {
      hint: `it has ${names.join(', ')}`,
    })
  }
  const shown = await preview(context, handset, values, fileName)
  return { ...shown, settings: shown.settings.filter(({ name }) => isSaid(context, handset, values, shown, name)) }
}

/** Whether the file is another one without the setting: each of the phone's files says only some of them. */
function isSaid(
  { catalogue }: JourneyContext,
  { model }: Handset,
  values: FileValues,
  { fileName, body }: FilePreview,
  name: string,
): boolean {
  const { [name]: _, ...rest } = values.settings
  return catalogue.render(model, fileName, { ...values, settings: rest })?.body !== body
}

async function lookedAt(
  context: JourneyContext,
  handsetId: string,
): Promise<{ readonly handset: Handset; readonly values: FileValues }> {
  const handset = await context.store.get('handset', handsetId)
  if (!handset)
    throw new AppError('NOT_FOUND', 'there is no such handset', { hint: '`ringfence show WHO` prints the ids' })
  if (handset.removedAt !== null) {
    throw new AppError('CONFLICT', 'this handset was taken back: it gets no file with an account in it any more', {
      hint: 'its link gives only the document that takes the account away',
    })
  }
  const values = await maskedValues(context, handset)
  if (values) return { handset, values }
  throw new AppError('CONFLICT', `nothing can be made for this handset, a ${handset.model}`, {
    hint: 'look at `ringfence doctor`: its templates or its account are missing',
  })
}

function filesNow({ catalogue }: JourneyContext, { model, mac }: Handset, values: FileValues): readonly string[] {
  return catalogue.fileNames(model, mac).filter((name) => catalogue.render(model, name, values) !== null)
}

async function preview(
  context: JourneyContext,
  handset: Handset,
  values: FileValues,
  fileName: string,
): Promise<FilePreview> {
  const { catalogue, phoneSettings } = context
  const { id, model, mac } = handset
  const rendered = catalogue.render(model, fileName, values)!
  const last = await lastServed(context, id, fileName)
  const diff = last && unifiedDiff(last.body, rendered.body, { before: `last fetched, ${last.at}`, after: 'now' })
  const origin = catalogue.templateOf(model, fileName, mac)
  const settings = phoneSettings.effective(phoneOf(catalogue, handset))
  return {
    handsetId: id,
    fileName,
    purpose: catalogue.filePurpose(model, fileName, mac) ?? '',
    template: origin?.template ?? null,
    ownTemplate: origin?.own ?? false,
    fetchedAt: last?.at ?? null,
    differs: diff === null ? null : diff !== '',
    contentType: rendered.contentType,
    body: rendered.body,
    settings: settings.map(({ name, value, layer }) => ({ name, value, layer })),
    diff,
  }
}
