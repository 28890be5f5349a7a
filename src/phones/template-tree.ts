import { createHash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../errors.ts'

/** The templates that are delivered, and a folder of the admin's own, whose files win one by one. */
export interface TemplateSource {
  readonly delivered: string
  /** Null, or a folder that need not be there. */
  readonly own: string | null
}

export type TemplateKind = 'phones' | 'gateways'

export interface TemplateFile {
  /** Below either folder, as people name it: `phones/yealink/phone.cfg`. */
  readonly name: string
  readonly path: string
  readonly text: string
  readonly own: boolean
}

/** Every file of both folders as it was at one moment. */
export interface TemplateTree {
  /** The vendors or gateway kinds that either folder has, in order. */
  folders(kind: TemplateKind): readonly string[]
  /** Where a folder's files are, for words about it. */
  pathOf(kind: TemplateKind, folder: string): string
  /** @throws AppError TEMPLATE_INVALID when neither folder has it */
  take(kind: TemplateKind, folder: string, name: string): TemplateFile
  /** Another text when any file is another. */
  readonly edition: string
  /** Delivered files that one of the admin's own stands in for. */
  readonly replaced: readonly string[]
  /** The admin's own files that nothing has taken: misspelt, most likely. */
  unused(): readonly string[]
}

/** @throws AppError TEMPLATE_INVALID naming the file or folder that cannot be read */
export async function readTemplateTree({ delivered, own }: TemplateSource): Promise<TemplateTree> {
  const ours = (await namesIn(delivered)).filter(isTemplate)
  if (ours.length === 0) throw invalid(delivered, 'there are no templates in it')
  const theirs = own === null ? [] : await namesIn(own, { mayLack: true })
  const theirTemplates = theirs.filter(isTemplate)
  const read = (folder: string, names: readonly string[], isOwn: boolean) =>
    Promise.all(names.map((name) => readTemplate(join(folder, name), name, isOwn)))
  const files = new Map<string, TemplateFile>()
  const replacing = new Set(theirTemplates)
  const wanted = ours.filter((name) => !replacing.has(name))
  for (const file of await read(delivered, wanted, false)) files.set(file.name, file)
  for (const file of await read(own ?? '', theirTemplates, true)) files.set(file.name, file)

  const taken = new Set<string>()
  const known = new Set(ours)
  const pathOf = (kind: TemplateKind, folder: string) =>
    join(ours.some((name) => name.startsWith(`${kind}/${folder}/`)) ? delivered : (own ?? delivered), kind, folder)
  return {
    folders(kind) {
      const parts = [...files.keys()].map((name) => name.split('/'))
      return [...new Set(parts.flatMap(([of, folder]) => (of === kind ? folder! : [])))].sort()
    },
    pathOf,
    take(kind, folder, name) {
      const file = files.get(`${kind}/${folder}/${name}`)
      if (!file) throw invalid(join(pathOf(kind, folder), name), 'it cannot be read')
      taken.add(file.name)
      return file
    },
    edition: editionOf([...files.values()]),
    replaced: theirTemplates.filter((name) => known.has(name)),
    // The words of mails lie in the same folder; who writes mails looks at them.
    unused: () => theirs.filter((name) => !taken.has(name) && !name.startsWith('messages/')),
  }
}

/** @param line where in the file, from 1 */
export function invalid(path: string, what: string, cause?: unknown, line?: number): AppError {
  return new AppError('TEMPLATE_INVALID', `${path}${line === undefined ? '' : `:${line}`}: ${what}`, {
    hint: 'correct the file, or put it back as it was delivered; one of your own can also be removed',
    cause,
  })
}

function isTemplate(name: string): boolean {
  return /^(phones|gateways)\/[^/]+\/[^/]+$/.test(name)
}

const mostBytes = 1_000_000

/** Three levels deep, links followed; what begins with a full stop or ends with `~` is an editor's. */
async function namesIn(folder: string, { depth = 3, mayLack = false } = {}): Promise<readonly string[]> {
  const names = await readdir(folder).catch((cause: NodeJS.ErrnoException) => {
    if (mayLack && cause.code === 'ENOENT') return []
    throw invalid(folder, 'the folder cannot be read', cause)
  })
  const found = names
    .filter((name) => !name.startsWith('.') && !name.endsWith('~'))
    .map(async (name) => {
      const path = join(folder, name)
      const what = await stat(path).catch((cause: unknown) => {
        throw invalid(path, 'it cannot be read', cause)
      })
      if (what.size > mostBytes && what.isFile()) throw invalid(path, 'it is larger than 1 MB')
      if (what.isFile()) return [name]
      if (!what.isDirectory() || depth === 1) return []
      return (await namesIn(path, { depth: depth - 1 })).map((inner) => `${name}/${inner}`)
    })
  return (await Promise.all(found)).flat().sort()
}

async function readTemplate(path: string, name: string, own: boolean): Promise<TemplateFile> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw invalid(path, 'it cannot be read', cause)
  })
  try {
    return { name, path, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes), own }
  } catch (cause) {
    throw invalid(path, 'it is not UTF-8', cause)
  }
}

function editionOf(files: readonly TemplateFile[]): string {
  const hash = createHash('sha256')
  for (const { name, text } of files.toSorted((one, other) => (one.name < other.name ? -1 : 1)))
    hash.update(JSON.stringify([name, text]))
  return hash.digest('hex').slice(0, 32)
}
