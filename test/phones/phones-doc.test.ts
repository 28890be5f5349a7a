import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadCatalogue } from '../../src/phones/catalogue.ts'
import { readGateways, readVendors } from '../../src/phones/manifest.ts'
import { phonesDocument } from './phones-document.ts'
import { templatesFolder } from './sample-values.ts'

const path = join(import.meta.dirname, '../../docs/phones.md')

test('docs/phones.md says what the vendor folders say (UPDATE_DOCS=1 rewrites it)', async () => {
  const pages = (await readdir(join(path, '../phones'))).map((name) => name.replace(/\.md$/, ''))
  const vendors = await readVendors(templatesFolder)
  const catalogue = await loadCatalogue(templatesFolder)
  const wanted = phonesDocument(vendors, await readGateways(templatesFolder), new Set(pages), catalogue)
  if (process.env.UPDATE_DOCS === '1') await writeFile(path, wanted)
  expect(await readFile(path, 'utf8')).toBe(wanted)
})

const vendors = await readVendors(templatesFolder)

describe.each(vendors)('the page of $id', ({ id, manifest }) => {
  const read = () => readFile(join(path, '../phones', `${id}.md`), 'utf8')

  test('has the three steps and says who has ever read its file', async () => {
    const page = await read()
    expect(page).toContain('](../phones.md#')
    const steps = /## Three steps\n\n([\s\S]*?)(\n## |$)/.exec(page)?.[1] ?? ''
    expect(steps.match(/^\d\. /gm)).toEqual(['1. ', '2. ', '3. '])
    expect(page).toMatch(/hardware|[Tt]ried|was run/)
  })

  test('says what stands in DHCP where nobody types, if it is a desk phone', async () => {
    if (manifest.models.every(({ kind }) => kind !== 'desk-phone')) return
    expect(await read()).toMatch(/## Instead of typing[\s\S]*DHCP[\s\S]*option 1?[56]\d/)
  })
})

test('the summary links to the part of each vendor', async () => {
  const page = await readFile(path, 'utf8')
  const parts = [...page.matchAll(/^## (.+)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^a-z0-9 -]/g, '')
      .replaceAll(' ', '-'),
  )
  for (const [, anchor] of page.matchAll(/\]\(#([^)]+)\)/g)) expect(parts).toContain(anchor)
  for (const name of await readdir(join(path, '../phones')))
    for (const [, anchor] of (await readFile(join(path, '../phones', name), 'utf8')).matchAll(/phones\.md#([^)]+)\)/g))
      expect(parts, name).toContain(anchor)
})
