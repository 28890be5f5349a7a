import { type Html, type HtmlValue, html } from '../html.ts'

/**
 * A part of a page that fetches itself anew when something happens: the page is asked for again and this part taken out
 * of it. Without script it is simply the part. Nothing that somebody types into may stand in it.
 * @param employeeId only what is about this person counts
 */
export function live(
  { id, href, employeeId }: { readonly id: string; readonly href: string; readonly employeeId?: string },
  content: HtmlValue,
): Html {
  const events =
    employeeId === undefined ? '/api/v1/events' : `/api/v1/events?employee=${encodeURIComponent(employeeId)}`
  return html`<div id="${id}" class="live" data-events="${events}" hx-get="${href}" hx-trigger="happened" hx-select="#${id}" hx-swap="outerHTML">${content}</div>`
}
