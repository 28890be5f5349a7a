import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

const folder = new URL('../../templates/pages/', import.meta.url)

export interface PageStyle {
  readonly text: string
  /** For `style-src`: CSP level 3, section 2.3.1. */
  readonly cspSource: string
}

/** The style sheets of this page as one text, read when an app is made. The console's own stands on Pico (assets.ts). */
export function pageStyle(page: 'console' | 'join'): PageStyle {
  const names = page === 'join' ? ['base', 'join'] : ['console']
  const text = names.map((name) => readFileSync(new URL(`${name}.css`, folder), 'utf8')).join('\n')
  return { text, cspSource: `'sha256-${createHash('sha256').update(text).digest('base64')}'` }
}
