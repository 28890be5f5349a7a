import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readGateways, readVendors } from '../../src/phones/manifest.ts'
import { phonesDocument } from './phones-document.ts'
import { templatesFolder } from './sample-values.ts'

const path = join(import.meta.dirname, '../../docs/phones.md')

test('docs/phones.md says what the vendor folders say (UPDATE_DOCS=1 rewrites it)', async () => {
  const wanted = phonesDocument(await readVendors(templatesFolder), await readGateways(templatesFolder))
  if (process.env.UPDATE_DOCS === '1') await writeFile(path, wanted)
  expect(await readFile(path, 'utf8')).toBe(wanted)
})
