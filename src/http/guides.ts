/** The documents that come with Ringfence, read once when the app is made: what the console shows as guides. */
import { readdirSync, readFileSync } from 'node:fs'
import type { Html } from './html.ts'
import { markdownPage } from './markdown.ts'

export interface Guide {
  /** `asterisk`, `phones-yealink`: as it stands in the address. */
  readonly name: string
  readonly title: string
  readonly group: 'PBX' | 'Phones' | 'Running Ringfence'
  readonly body: Html
}

/** For whoever works on Ringfence itself, and pictures of what is there; not for whoever runs it. */
const notShown = new Set(['development', 'screenshots'])
const pbxGuides = new Set([
  'pbx',
  'asterisk',
  'freepbx',
  'freeswitch',
  'kamailio',
  '3cx',
  'yeastar',
  'manual-pbx',
  'edge',
  'call-classes',
])
const phoneGuides = new Set(['phones', 'phone-settings', 'gateways', 'templates'])

/** Empty where the documents were not installed along. */
export function readGuides(folder = new URL('../../docs/', import.meta.url)): readonly Guide[] {
  const texts = [...markdownIn(folder, ''), ...markdownIn(new URL('phones/', folder), 'phones-')].filter(
    ({ name }) => !notShown.has(name),
  )
  const known = new Set(texts.map(({ name }) => name))
  return texts
    .map(({ name, text }) => ({
      name,
      group: groupOf(name),
      ...markdownPage(text, (target) => guideAddress(target, name, known)),
    }))
    .map((guide) => ({ ...guide, title: guide.title || guide.name }))
}

function markdownIn(folder: URL, prefix: string): { readonly name: string; readonly text: string }[] {
  let files: readonly string[]
  try {
    files = readdirSync(folder)
  } catch {
    return []
  }
  return files
    .filter((file) => /^[a-z0-9-]+\.md$/.test(file))
    .sort()
    .map((file) => ({ name: prefix + file.slice(0, -3), text: readFileSync(new URL(file, folder), 'utf8') }))
}

function groupOf(name: string): Guide['group'] {
  if (pbxGuides.has(name) || name.startsWith('pbx-')) return 'PBX'
  return phoneGuides.has(name) || name.startsWith('phones-') ? 'Phones' : 'Running Ringfence'
}

/** A link between documents leads to the guide, one to the web stays, any other leads nowhere from here. */
export function guideAddress(target: string, from: string, known: ReadonlySet<string>): string | null {
  if (/^https:\/\/[^\s"'<>]+$/.test(target)) return target
  if (/^#[\p{L}\p{N}_-]+$/u.test(target)) return target
  const [, up = '', phones = '', file, place = ''] =
    /^(?:\.\/)?(\.\.\/)?(phones\/)?([a-z0-9-]+)\.md(#[\p{L}\p{N}_-]+)?$/u.exec(target) ?? []
  if (file === undefined) return null
  const inPhones = phones !== '' || (from.startsWith('phones-') && up === '')
  const name = `${inPhones ? 'phones-' : ''}${file}`
  return known.has(name) ? `/guides/${name}${place}` : null
}
