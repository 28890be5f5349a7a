/**
 * Our messages and hints are written for the command line and for scripts. On a page a command is the button or the page
 * that does the same, and a document is the guide that it is here; what the console cannot do stays a command.
 */
import { capital } from './capital.ts'
import { type Html, type HtmlValue, html } from './html.ts'

type Place = readonly [words: string, href: (who: string | null) => string]

const personPage = (who: string | null) => (who === null ? '/people' : `/people/${encodeURIComponent(who)}`)

/** By the beginning of a command; the first that fits. Each reads as a noun, as the command did. */
const places: readonly (readonly [RegExp, ...Place])[] = [
  [/^invite\b/, '“New link” on the person’s page', personPage],
  [/^handset add\b/, '“Add a handset” on the person’s page', personPage],
  [/^handset remove\b/, '“Take back” on the handset’s page', () => '/handsets'],
  [/^acknowledge\b/, 'tick it on the person’s page', personPage],
  [/^offboard\b/, '“Offboard” on the person’s page', personPage],
  [/^secret\b/, '“SIP password” on the person’s page', personPage],
  [/^show\b/, 'the person’s page', personPage],
  [/^list$/, 'the list of people', () => '/people'],
  [/^models\b/, 'the guide to phones', () => '/guides/phones'],
  [/^doctor$/, 'the doctor', () => '/about#doctor'],
  [/^templates reload\b/, '“Your own templates” under Settings', () => '/settings#templates'],
  [/^phone-settings$/, 'the page Settings', () => '/settings#phones'],
  [/^mail test$/, 'the page Mail', () => '/mail'],
  [/^admin list$/, 'the page Administrators', () => '/administrators'],
]

/** A sentence of ours with links in place of commands. */
export function inConsole(text: string): HtmlValue {
  return text
    .split(/(`[^`]+`|\bdocs\/[a-z-]+(?:\/[a-z-]+)?\.md\b)/)
    .map((part) => (part.startsWith('`') ? command(part.slice(1, -1)) : part.startsWith('docs/') ? guide(part) : part))
}

/** The same as a whole one: it begins large and ends with a full stop. */
export function sentence(text: string): Html {
  return html`${inConsole(capital(text))}${/[.?!…:]$/.test(text) ? '' : '.'}`
}

/** What is wrong, and what to do about it. */
export function problemWords({
  message,
  hint,
}: {
  readonly message: string
  readonly hint?: string | undefined
}): Html {
  return html`${sentence(message)}${hint !== undefined && html` <small>${sentence(hint)}</small>`}`
}

function command(text: string): Html {
  const words = /^ringfence (.+)$/.exec(text)?.[1]
  const place = words === undefined ? undefined : places.find(([pattern]) => pattern.test(words))
  if (!place || words === undefined) return html`<code>${text}</code>`
  const [pattern, name, href] = place
  const [who] = words.replace(pattern, '').trim().split(' ')
  // `WHO` stands for somebody whom the hint does not know.
  return html`<a href="${href(who && who !== 'WHO' && !who.startsWith('-') ? who : null)}">${name}</a>`
}

function guide(path: string): Html {
  const name = path.slice('docs/'.length, -'.md'.length)
  return html`<a href="/guides/${name.replace('/', '-')}">the guide “${name.replaceAll(/[/-]/g, ' ')}”</a>`
}
