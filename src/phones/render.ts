import { Liquid } from 'liquidjs'
import { AppError } from '../errors.ts'
import { escapeFor, type Format } from './escape.ts'
import { invalid } from './template-tree.ts'

/**
 * Templates are data that a customer may edit, so they get no more than they need: no files, no prototypes, few tags, and
 * every printed value passes the escape of its format. The only user of LiquidJS.
 */
export type Template = (scope: object) => string

// `cycle`, `tablerow`, `render`, `include`, `layout` either print around the escape or read other templates.
const allowedTags = new Set([
  'assign',
  'capture',
  'case',
  'comment',
  '#',
  'for',
  'break',
  'continue',
  'if',
  'unless',
  'raw',
])

// `raw` is LiquidJS's own way past the escape; the date filters would make a file change by itself.
const forbiddenFilters = [
  'raw',
  'date',
  'date_to_xmlschema',
  'date_to_rfc822',
  'date_to_string',
  'date_to_long_string',
  'sample',
  'shuffle',
]

/** Room for a template ten times as long as ours; a run-away loop ends at these. */
const limits = { parseLimit: 200_000, renderLimit: 2_000, memoryLimit: 2_000_000 } as const

export interface TemplateReader {
  /** Parsed once, rendered many times. `path` stands in error texts. @throws AppError TEMPLATE_INVALID */
  parse(format: Format, path: string, text: string): Template
}

export function templateReader(): TemplateReader {
  const engines = new Map<Format, Liquid>()
  return {
    parse(format, path, text) {
      let engine = engines.get(format)
      if (!engine) {
        engine = engineFor(format)
        engines.set(format, engine)
      }
      return parseWith(engine, path, text)
    },
  }
}

function engineFor(format: Format): Liquid {
  const engine = new Liquid({
    ownPropertyOnly: true,
    strictVariables: true,
    strictFilters: true,
    // An empty mapping takes the file system away.
    templates: {},
    outputEscape: (value) => escapeFor(format, value),
    ...limits,
  })
  for (const tag of Object.keys(engine.tags)) if (!allowedTags.has(tag)) delete engine.tags[tag]
  for (const filter of forbiddenFilters) delete engine.filters[filter]
  return engine
}

function parseWith(engine: Liquid, path: string, text: string): Template {
  const parsed = attempt(path, () => engine.parse(text))
  return (scope) => attempt(path, () => String(engine.renderSync(parsed, scope, { templateLimit: 20_000 })))
}

function attempt<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    const line = lineOf(error)
    // What escapeFor threw comes wrapped; its own words are the useful ones and hold no value.
    const original = (error as { originalError?: unknown }).originalError
    if (original instanceof AppError) throw invalid(path, original.message, original, line)
    throw invalid(path, error instanceof Error ? firstLine(error.message) : 'it cannot be used', error, line)
  }
}

/** LiquidJS's errors know the token they are about; those about a limit do not. */
function lineOf(error: unknown): number | undefined {
  const token = (error as { token?: { getPosition?: () => readonly number[] } }).token
  return token?.getPosition?.()[0]
}

/** LiquidJS adds the place, which stands before the message already, and an excerpt of the template. */
function firstLine(message: string): string {
  return message
    .split('\n', 1)[0]!
    .replace(/, line:\d+, col:\d+$/, '')
    .slice(0, 300)
}
