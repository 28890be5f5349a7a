/** What the lists of the console have in common: filters, columns that sort, pages. */
import { counted } from '../../domain/counted.ts'
import { type Html, html } from '../html.ts'
import { listAddress } from '../list-address.ts'

export function choice(
  name: string,
  label: string,
  chosen: string | number | undefined,
  options: readonly (readonly [value: string, words: string])[],
): Html {
  const known = options.some(([value]) => value === String(chosen))
  return html`<label>${label} <select name="${name}"><option value="">any</option>${options.map(
    ([value, words]) => html`<option value="${value}"${value === String(chosen) && html` selected`}>${words}</option>`,
  )}${chosen !== undefined && !known && html`<option value="${chosen}" selected>${chosen}</option>`}</select></label>`
}

interface Named {
  readonly id: string
  readonly name: string
}

/** Of things that the database names. */
export function choiceOf(name: string, label: string, chosen: string | undefined, things: readonly Named[]): Html {
  const options = things.map((thing) => [thing.id, thing.name] as const)
  return choice(name, label, chosen, options)
}

/** By the last handshake. */
export function tunnelChoice(chosen: string | number | undefined): Html {
  return choice('tunnel', 'Tunnel', chosen, [
    ['online', 'online now'],
    ['1', 'quiet for a day'],
    ['7', 'quiet for a week'],
    ['30', 'quiet for a month'],
    ['90', 'quiet for three months'],
    ['never', 'never connected'],
  ])
}

/** A filter that is sent keeps the order that was chosen. */
export function keptOrder({
  sort,
  down,
}: {
  readonly sort?: string | undefined
  readonly down?: '1' | undefined
}): Html {
  return html`${sort && html`<input type="hidden" name="sort" value="${sort}">`}${down && html`<input type="hidden" name="down" value="1">`}`
}

/** The head of a column: a click sorts by it, one more the other way round. */
export function sortColumn(
  path: string,
  query: Readonly<Record<string, string | number | undefined>>,
  sort: string,
  words: string,
): Html {
  const lit = (query.sort ?? 'name') === sort
  const descending = query.down === '1'
  const { page: _, down: __, ...rest } = query
  const href = listAddress(path, { ...rest, sort, ...(lit && !descending && { down: '1' }) })
  return html`<th scope="col"${lit && html` aria-sort="${descending ? 'descending' : 'ascending'}"`}><a href="${href}">${words}<span aria-hidden="true">${lit && (descending ? ' ↓' : ' ↑')}</span></a></th>`
}

/** For lists that are counted: from page to page. */
export function pager(page: number, last: number, addressOf: (page: number) => string): Html | false {
  if (last < 2) return false
  const to = (number: number, words: string, rel: string) =>
    number >= 1 && number <= last && html`<a href="${addressOf(number)}" rel="${rel}">${words}</a>`
  return html`<nav class="pages" aria-label="Pages">${page > 2 && to(1, 'First', 'first')} ${to(page - 1, 'Previous', 'prev')} <span>Page ${page} of ${last}</span> ${to(page + 1, 'Next', 'next')} ${page < last - 1 && to(last, 'Last', 'last')}</nav>`
}

/** `50 events, more below` */
export function recordWords(
  noun: string,
  { count, next, unknown }: { count: number; next: unknown; unknown: boolean },
): string {
  if (unknown) return 'Nobody here is known by that e-mail address or extension'
  if (count === 0) return 'Nothing matches'
  return `${counted(count, noun)}${next === null ? '' : ', more below'}`
}

/** For lists that grow while one reads: from the newest on, each page from where the one before ended. */
export function olderPager(path: string, isFirst: boolean, older: string | null): Html | false {
  if (isFirst && older === null) return false
  return html`<nav class="pages" aria-label="Pages">${!isFirst && html`<a href="${path}" rel="first">Newest</a>`} ${older !== null && html`<a href="${older}" rel="next">Older</a>`}</nav>`
}

/** `51 to 100 of 10,000` */
export function placeWords(from: number, shown: number, total: number, none = 'Nothing matches'): string {
  if (total === 0) return none
  return shown === 0 ? `${total} in all` : `${from + 1} to ${from + shown} of ${total}`
}
