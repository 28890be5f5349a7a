/**
 * The words of mails: templates/messages/<language>/<kind>.txt. The first line is the subject, paragraphs follow after an
 * empty line; `{name}` and the like are filled in. The HTML is made from the same text, so the two cannot differ.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Language, languages, momentIn } from '../domain/language.ts'
import { markupText } from '../domain/markup.ts'
import { AppError } from '../errors.ts'
import type { Letter, Letters } from './mail-port.ts'

const kinds = { invite: ['name', 'extension', 'link', 'until'], test: [] } as const
type Kind = keyof typeof kinds

interface Template {
  readonly subject: string
  readonly paragraphs: readonly string[]
}

/** @throws AppError TEMPLATE_INVALID */
export async function loadLetters(folder: string): Promise<Letters> {
  const templates = new Map<string, Template>()
  for (const language of languages) {
    for (const kind of Object.keys(kinds) as Kind[]) {
      const path = join(folder, language, `${kind}.txt`)
      templates.set(`${language}/${kind}`, parsed(path, await textOf(path), kinds[kind]))
    }
  }
  const write = (kind: Kind, language: Language, values: Readonly<Record<string, string>>): Letter =>
    written(templates.get(`${language}/${kind}`)!, language, values)
  return {
    invite: (language, { expiresAt, ...values }) =>
      write('invite', language, { ...values, until: momentIn(language, expiresAt) }),
    test: (language) => write('test', language, {}),
  }
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw invalid(path, 'it cannot be read', cause)
  }
}

function parsed(path: string, text: string, names: readonly string[]): Template {
  const [first = '', ...paragraphs] = text.trim().split(/\n{2,}/)
  const subject = /^Subject: (.+)$/.exec(first)?.[1]
  if (subject === undefined) throw invalid(path, 'its first line is not `Subject: …` with an empty line after it')
  const strange = [...text.matchAll(/\{([^}]*)\}/g)].find(([, name]) => !names.includes(name!))
  if (strange) throw invalid(path, `there is no value ${strange[0]}`)
  // The subject travels in the clear and is shown on locked screens.
  if (/\{(link|name)\}/.test(subject)) throw invalid(path, 'name and link do not belong in a subject')
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
  return new AppError('TEMPLATE_INVALID', `${path}: ${what}`, { hint: 'put the file back as it was delivered', cause })
}
