/**
 * Which settings a model's files say, found out by rendering them with and without: what a template prints is the one truth,
 * and nobody has to keep a list beside it.
 */
import type { Format } from './escape.ts'
import type { FileValues, RenderedFile } from './phone-port.ts'
import { sampleSettings, sampleValues } from './scope.ts'
import { xmlProblem } from './xml-form.ts'

interface File {
  /** Null for a file that is no template. */
  readonly format: Format | null
  render(values: FileValues): RenderedFile | null
}

/** Why none of the files says the setting; null when one does. */
export function settingNote(files: readonly File[], name: string, value: string): string | null {
  const sample = sampleSettings[name] ?? value
  // An interval or label like the usual one would change nothing, and shows nothing: there the sample speaks.
  const shown = name === 'pollMinutes' || name === 'label' ? sample : value
  if (changes(files, name, shown)) return null
  return changes(files, name, sample)
    ? `how this model would be told ${name} ${value} is not known, so its file leaves it out`
    : `how this model would be told its ${name} is not known, so its file leaves it out`
}

function changes(files: readonly File[], name: string, value: string): boolean {
  return files.some((file) => bodyOf(file, {}) !== bodyOf(file, { [name]: value }))
}

/** What is wrong with an admin's own lines at the end of these files; null when they can stand in each that takes some. */
export function extraLinesProblem(files: readonly File[], extraLines: string): string | null {
  // Models of one family have the same file: each is tried once.
  const distinct = [...new Map(files.map((file) => [file.render, file])).values()]
  let taken = false
  for (const file of distinct) {
    const body = bodyOf(file, { ...sampleSettings, extraLines })
    if (body === null || body === bodyOf(file, sampleSettings)) continue
    taken = true
    const problem = file.format === 'xml' ? xmlProblem(body) : lineProblem(file.format, extraLines)
    if (problem !== null) return problem
  }
  return taken ? null : 'its file has no place for lines of your own'
}

function bodyOf(file: File, settings: Readonly<Record<string, string>>): string | null {
  return file.format === null ? null : (file.render({ ...sampleValues[0]!, settings })?.body ?? null)
}

/** What a line of each format looks like; comments and empty lines pass, and nothing that reads another file. */
const lineForms: Partial<Record<Format, { readonly form: RegExp; readonly like: string }>> = {
  'yealink-cfg': { form: /^(#(?!!).*|[A-Za-z][\w.]* ?= ?\S.*)?$/, like: 'features.dnd.allow = 0' },
  'mitel-cfg': { form: /^(#.*|[!^]?[a-z][a-z0-9 |[\]-]*: \S.*)?$/, like: 'emergency dial plan: 911|999' },
  'audiocodes-cfg': { form: /^(;.*|[a-z][\w/]*=[^;#<>]*)?$/, like: 'voip/line/0/enabled=1' },
  ini: { form: /^(;.*|\[\w+\]|\w+=[ -~]*)?$/, like: 'name=1' },
  baresip: { form: /^(#.*|[a-z][a-z0-9_]*[ \t]+\S.*)?$/, like: 'name 1' },
}

function lineProblem(format: Format | null, text: string): string | null {
  const expected = format && lineForms[format]
  if (!expected) return null
  const lines = text.split('\n')
  const wrong = lines.findIndex((line) => !expected.form.test(line))
  return wrong < 0 ? null : `line ${wrong + 1} does not look like \`${expected.like}\``
}
