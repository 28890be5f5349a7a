/**
 * Pages as tagged templates. Every value is escaped for text and quoted attributes alike; what is markup already must
 * say so by its type, so that forgetting to escape is not possible.
 */
import { markupText } from '../domain/markup.ts'

const markup = Symbol('markup')

export interface Html {
  readonly [markup]: string
}

export type HtmlValue = string | number | Html | null | undefined | false | readonly HtmlValue[]

/** Attributes must be written with quotes around the value: `<a href="${url}">`. */
export function html(strings: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  return trusted(strings.reduce((text, part, index) => text + textOf(values[index - 1]) + part))
}

/** Markup that our own code made (an SVG, a rendered template); never anything that a person typed. */
export function trusted(text: string): Html {
  return { [markup]: text }
}

export function htmlText(page: Html): string {
  return page[markup]
}

function textOf(value: HtmlValue): string {
  if (value === null || value === undefined || value === false) return ''
  if (typeof value === 'string') return markupText(value)
  if (typeof value === 'number') return String(value)
  if (isList(value)) return value.map(textOf).join('')
  return value[markup]
}

// Array.isArray does not narrow a readonly array in a union.
function isList(value: Html | readonly HtmlValue[]): value is readonly HtmlValue[] {
  return Array.isArray(value)
}
