import { type Html, html } from '../html.ts'

/** A time for people, to the minute; the exact one is in the element, for machines and on hovering. */
export function instant(iso: string): Html {
  return html`<time datetime="${iso}" title="${iso}">${iso.slice(0, 16).replace('T', ' ')} UTC</time>`
}
