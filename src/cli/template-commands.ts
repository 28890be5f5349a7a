import type { ChangedHandset, FilePreview, HandsetFile, TemplateReload } from '../journeys/file-view.ts'
import { path } from './api-client.ts'
import { type ExitCode, exitCodes } from './exit-codes.ts'
import { type List, print, printJson, type Session } from './session.ts'
import { paint, safe, type Terminal, type Tone, table, when } from './terminal.ts'

/** Without a file: which there are. With one: how it was made, what it says, and what a phone would get anew. */
export async function preview(session: Session, handsetId: string, fileName: string | undefined): Promise<ExitCode> {
  const { client, terminal } = session
  if (fileName === undefined) {
    const list = await client.send<List<HandsetFile>>({ method: 'GET', path: path`/handsets/${handsetId}/files` })
    const [only, ...others] = list.items
    if (only && others.length === 0 && !session.json) return preview(session, handsetId, only.fileName)
    if (session.json) printJson(session, list)
    else
      print(session, table(terminal, ['file', 'made from', 'since the last fetch', 'what it is'], list.items.map(row)))
    return exitCodes.ok
  }
  const target = path`/handsets/${handsetId}/files/${fileName}/preview`
  const file = await client.send<FilePreview>({ method: 'GET', path: target })
  if (session.json) printJson(session, file)
  else print(session, previewLines(terminal, file))
  return exitCodes.ok
}

function row(file: HandsetFile): string[] {
  return [safe(file.fileName), origin(file), change(file), safe(file.purpose)]
}

function origin({ template, ownTemplate }: HandsetFile): string {
  if (template === null) return '-'
  return `${safe(template)}${ownTemplate ? ' (your own)' : ''}`
}

function change({ template, fetchedAt, differs }: HandsetFile): string {
  if (template === null) return '-'
  if (fetchedAt === null) return 'never fetched'
  return differs ? 'changed' : 'the same'
}

function previewLines(terminal: Terminal, file: FilePreview): string[] {
  const strong = (text: string) => paint(terminal, 'strong', text)
  const facts = [
    ['made from', origin(file)],
    ...file.settings.map(({ name, value, layer }) => [`setting ${safe(name)}`, `${safe(value)}  (of the ${layer})`]),
  ]
  return [
    `${strong(safe(file.fileName))}  ${safe(file.purpose)}`,
    ...table(terminal, [], facts),
    '',
    ...linesOf(file.body),
    '',
    ...differenceLines(terminal, file),
  ]
}

function differenceLines(terminal: Terminal, file: FilePreview): string[] {
  if (file.template === null) return ['A certificate or key: it is not compared.']
  if (file.diff === null || file.fetchedAt === null)
    return ['No phone has fetched it yet: there is nothing to compare it with.']
  const since = when(file.fetchedAt)
  if (file.diff === '') return [paint(terminal, 'good', `The phone has this version, since ${since}.`)]
  return [
    paint(terminal, 'warn', `The phone has another version, of ${since}. With its next fetch:`),
    '',
    ...linesOf(file.diff).map((line) => {
      const tone = tones[line.charAt(0)]
      return tone === undefined ? line : paint(terminal, tone, line)
    }),
  ]
}

const tones: Readonly<Record<string, Tone>> = { '+': 'good', '-': 'bad', '@': 'quiet' }

function linesOf(text: string): string[] {
  return text
    .replace(/\r?\n$/, '')
    .split(/\r?\n/)
    .map((line) => safe(line.replaceAll('\t', '    ')))
}

export async function reloadTemplates(session: Session, dryRun: boolean): Promise<ExitCode> {
  const answer = await session.client.send<TemplateReload>({
    method: 'POST',
    path: `/templates/reload${dryRun ? '?dryRun=true' : ''}`,
  })
  if (session.json) printJson(session, answer)
  else print(session, reloadLines(session.terminal, answer))
  return exitCodes.ok
}

function reloadLines(terminal: Terminal, { dryRun, replaced, unused, changes }: TemplateReload): string[] {
  return [
    ...(replaced.length > 0 ? [`your own stand in for ${replaced.map(safe).join(', ')}`] : []),
    ...(unused.length > 0 ? [paint(terminal, 'warn', `nothing uses ${unused.map(safe).join(', ')}`)] : []),
    ...changedLines(terminal, changes),
    dryRun ? 'a dry run: nothing is in use yet; `ringfence templates reload` uses them' : 'the templates are in use',
  ]
}

/** Whose files a change concerns, by model. */
export function changedLines(terminal: Terminal, changes: readonly ChangedHandset[]): string[] {
  const byModel = Map.groupBy(changes, ({ model }) => model)
  const rows = [...byModel].map(([model, handsets]) => [safe(model), String(handsets.length), example(handsets)])
  const count = changes.length === 1 ? '1 handset gets another file' : `${changes.length} handsets get another file`
  return [
    ...(rows.length > 0 ? table(terminal, ['model', 'handsets', 'such as'], rows) : []),
    paint(terminal, 'strong', changes.length === 0 ? "no handset's file changes" : count),
  ]
}

function example(handsets: readonly ChangedHandset[]): string {
  const { handsetId, files } = handsets[0]!
  return `${files.map(safe).join(' ')} of ${handsetId}`
}
