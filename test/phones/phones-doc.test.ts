import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
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

test('every maker of desk phones has a page of its own for the bench', async () => {
  const makers = (await readVendors(templatesFolder)).filter(({ manifest }) =>
    manifest.models.some(({ kind }) => kind === 'desk-phone'),
  )
  expect(makers.length).toBeGreaterThan(3)
  for (const { id } of makers) {
    const page = await readFile(join(path, '../phones', `${id}.md`), 'utf8')
    expect(page, id).toContain('](../phones.md')
    expect(page, id).toMatch(/hardware/)
  }
})
