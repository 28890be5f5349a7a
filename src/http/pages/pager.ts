import { type Html, html } from '../html.ts'

/** For lists that are counted: from page to page. */
export function pager(page: number, last: number, addressOf: (page: number) => string): Html | false {
  if (last < 2) return false
  const to = (number: number, words: string, rel: string) =>
    number >= 1 && number <= last && html`<a href="${addressOf(number)}" rel="${rel}">${words}</a>`
  return html`<nav class="pages" aria-label="Pages">${page > 2 && to(1, 'First', 'first')} ${to(page - 1, 'Previous', 'prev')} <span>Page ${page} of ${last}</span> ${to(page + 1, 'Next', 'next')} ${page < last - 1 && to(last, 'Last', 'last')}</nav>`
}

/** For lists that grow while one reads: from the newest on, each page from where the one before ended. */
export function olderPager(path: string, isFirst: boolean, older: string | null): Html | false {
  if (isFirst && older === null) return false
  return html`<nav class="pages" aria-label="Pages">${!isFirst && html`<a href="${path}" rel="first">Newest</a>`} ${older !== null && html`<a href="${older}" rel="next">Older</a>`}</nav>`
}

/** `51 to 100 of 10,000` */
export function placeWords(from: number, shown: number, total: number): string {
  if (total === 0) return 'Nothing matches'
  return shown === 0 ? `${total} in all` : `${from + 1} to ${from + shown} of ${total}`
}
