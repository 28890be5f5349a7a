import { liveHeader } from '../caller.ts'
import { type Html, type HtmlValue, html } from '../html.ts'

/**
 * A part of a page that fetches itself anew when something happens: the page is asked for again and this part taken out
 * of it. Without script it is simply the part. Nothing that somebody types into may stand in it.
 * @param employeeId only what is about this person counts
 * @param paceMs at most once in this time, for what is costly to count
 * @param said id of a status line outside of it, which stays and only changes its words: so they are read out
 */
export function live(
  {
    id,
    href,
    employeeId,
    paceMs,
    said,
  }: {
    readonly id: string
    readonly href: string
    readonly employeeId?: string
    readonly paceMs?: number
    readonly said?: string
  },
  content: HtmlValue,
): Html {
  const events =
    employeeId === undefined ? '/api/v1/events' : `/api/v1/events?employee=${encodeURIComponent(employeeId)}`
  return html`<div id="${id}" class="live" data-events="${events}"${paceMs !== undefined && html` data-pace="${paceMs}"`} hx-get="${href}" hx-trigger="happened" hx-headers="${JSON.stringify({ [liveHeader]: '1' })}" hx-select="#${id}" hx-swap="outerHTML"${said !== undefined && html` hx-select-oob="#${said}:innerHTML"`}>${content}</div>`
}
