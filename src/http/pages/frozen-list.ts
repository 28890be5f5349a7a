/** The pages of a preview: whoever is meant is frozen in the form, and each page names some of them. */
import { type Html, html } from '../html.ts'

const namesOnAPage = 100

export interface NamesPage {
  readonly ids: readonly string[]
  readonly page: number
  readonly last: number
}

export function namesPage(frozen: readonly string[], asked = 1): NamesPage {
  const last = Math.max(1, Math.ceil(frozen.length / namesOnAPage))
  const page = Math.min(asked, last)
  return { ids: frozen.slice((page - 1) * namesOnAPage, page * namesOnAPage), page, last }
}

export function frozenField(frozen: readonly string[]): Html {
  return html`<input type="hidden" name="id" value="${frozen.join(',')}">`
}

/** Buttons of the same form: what is frozen goes along from page to page. */
export function namesPager({ page, last }: NamesPage, action: string): Html | false {
  if (last < 2) return false
  const to = (number: number, words: string) =>
    number >= 1 &&
    number <= last &&
    html`<button class="quiet" name="page" value="${number}" formaction="${action}" formnovalidate>${words}</button>`
  return html`<div class="actions pages" role="group" aria-label="Pages of names">${to(page - 1, 'Previous names')} <span>Names, page ${page} of ${last}</span> ${to(page + 1, 'Next names')}</div>`
}
