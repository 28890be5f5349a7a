/**
 * The words of mails: templates/messages/<language>/<kind>.txt. The first line is the subject, paragraphs follow after an
 * empty line; `{name}` and the like are filled in. The HTML is made from the same text, so the two cannot differ. A file of
 * the admin's own stands in for the delivered one; it is read for each mail, so that a change needs no restart.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { type Language, languages, momentIn } from '../domain/language.ts'
import { markupText } from '../domain/markup.ts'
import { AppError, asAppError } from '../errors.ts'
import type { Letter, Letters } from './mail-port.ts'

const kinds = {
  invite: ['name', 'extension', 'link', 'until'],
  steps: ['count', 'hours', 'list', 'console'],
  test: [],
} as const
type Kind = keyof typeof kinds
const names = languages.flatMap((language) =>
  (Object.keys(kinds) as Kind[]).map((kind) => ({ kind, name: `${language}/${kind}.txt` })),
)
const mostBytes = 100_000

interface Template {
  readonly subject: string
  readonly paragraphs: readonly string[]
}

export interface LetterSource {
  readonly delivered: string
  /** A folder that need not be there. */
  readonly own: string
  /** One of the admin's own cannot be used: a mail goes out with the delivered words. */
  readonly onProblem: (problem: AppError) => void
}

/** @throws AppError TEMPLATE_INVALID when a delivered one is wrong */
export async function loadLetters({ delivered, own, onProblem }: LetterSource): Promise<Letters> {
  const templates = new Map<string, Template>()
  for (const { kind, name } of names) {
    const path = join(delivered, name)
    const template = await templateIn(path, kind)
    if (template === null) throw invalid(path, 'it cannot be read')
    templates.set(name, template)
  }
  const chosen = async (kind: Kind, name: string): Promise<Template> => {
    try {
      return (await templateIn(join(own, name), kind)) ?? templates.get(name)!
    } catch (error) {
      onProblem(asAppError(error))
      return templates.get(name)!
    }
  }
  const write = async (kind: Kind, language: Language, values: Readonly<Record<string, string>>): Promise<Letter> =>
    written(await chosen(kind, `${language}/${kind}.txt`), language, values)
  return {
    invite: (language, { expiresAt, ...values }) =>
      write('invite', language, { ...values, until: momentIn(language, expiresAt) }),
    steps: (language, values) => write('steps', language, { ...values }),
    test: (language) => write('test', language, {}),
    async own() {
      const theirs = await namesIn(own)
      const known = names.filter(({ name }) => theirs.includes(name))
      const read = await Promise.allSettled(known.map(({ kind, name }) => templateIn(join(own, name), kind)))
      return {
        replaced: known.filter((_, place) => read[place]!.status === 'fulfilled').map(({ name }) => name),
        unused: theirs.filter((name) => !known.some((one) => one.name === name)),
        problems: read.flatMap((result) => (result.status === 'rejected' ? [asAppError(result.reason)] : [])),
      }
    },
  }
}

/** As for the templates of phones: what begins with a full stop or ends with `~` is an editor's. */
async function namesIn(folder: string): Promise<readonly string[]> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return []
      throw invalid(folder, 'the folder cannot be read', error)
    },
  )
  return found
    .filter((entry) => !entry.isDirectory() && !entry.name.startsWith('.') && !entry.name.endsWith('~'))
    .map(({ parentPath, name }) => relative(folder, join(parentPath, name)))
    .sort()
}

/** Null where there is none. */
async function templateIn(path: string, kind: Kind): Promise<Template | null> {
  const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return null
    throw invalid(path, 'it cannot be read', cause)
  })
  if (bytes === null) return null
  if (bytes.length > mostBytes) throw invalid(path, `it is larger than ${mostBytes / 1_000} kB`)
  try {
    return parsed(path, new TextDecoder('utf-8', { fatal: true }).decode(bytes), kinds[kind])
  } catch (cause) {
    throw cause instanceof AppError ? cause : invalid(path, 'it is not UTF-8', cause)
  }
}

function parsed(path: string, text: string, values: readonly string[]): Template {
  const [first = '', ...paragraphs] = text
    .replaceAll('\r\n', '\n')
    .trim()
    .split(/\n{2,}/)
  const subject = /^Subject: (.+)$/.exec(first)?.[1]
  if (subject === undefined) throw invalid(path, 'its first line is not `Subject: …` with an empty line after it')
  const strange = [...text.matchAll(/\{([^}]*)\}/g)].find(([, name]) => !values.includes(name!))
  if (strange) throw invalid(path, `there is no value ${strange[0]}`)
  // The subject travels in the clear and is shown on locked screens.
  if (/\{(link|name)\}/.test(subject)) throw invalid(path, 'name and link do not belong in a subject')
  if (values.includes('link') && !paragraphs.some((paragraph) => paragraph.includes('{link}')))
    throw invalid(path, 'the link is missing: {link}')
  return { subject, paragraphs }
}

function written(
  { subject, paragraphs }: Template,
  language: Language,
  values: Readonly<Record<string, string>>,
): Letter {
  const filled = (text: string) => text.replace(/\{(\w+)\}/g, (_, name: string) => values[name] ?? '')
  const { link = '' } = values
  const block = (paragraph: string) => {
    if (paragraph.trim() === '{link}')
      return `<p><a href="${markupText(link)}" style="font-weight:bold">${markupText(link)}</a></p>`
    return `<p>${markupText(filled(paragraph)).replaceAll('\n', '<br>\n')}</p>`
  }
  return {
    subject: filled(subject),
    text: `${paragraphs.map(filled).join('\n\n')}\n`,
    html: `<!doctype html>
<html lang="${language}">
<head><meta charset="utf-8"><title>${markupText(filled(subject))}</title></head>
<body style="font-family:sans-serif;line-height:1.5;max-width:36em">
${paragraphs.map(block).join('\n')}
</body>
</html>
`,
  }
}

function invalid(path: string, what: string, cause?: unknown): AppError {
  return new AppError('TEMPLATE_INVALID', `${path}: ${what}`, {
    hint: 'correct the file; one of your own can also be removed',
    cause,
  })
}
