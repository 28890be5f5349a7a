import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadCatalogue } from '../../src/phones/catalogue.ts'
import { sampleValues, templatesFolder } from './sample-values.ts'

let folder: string
let manifest: string
let original: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ringfence-families-'))
  await cp(join(templatesFolder, 'phones/yealink'), join(folder, 'phones/yealink'), { recursive: true })
  await cp(join(templatesFolder, 'gateways'), join(folder, 'gateways'), { recursive: true })
  manifest = join(folder, 'phones/yealink/vendor.json')
  original = await readFile(manifest, 'utf8')
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('models of one vendor that get different files', () => {
  test('get only the files of their own family', async () => {
    const catalogue = await loadCatalogue(folder)
    const values = sampleValues()
    const of = (model: string) => catalogue.render(model, '805ec0aabbcc.cfg', values)!.body
    expect(of('yealink-t54w')).toContain('account.1.sip_server.1.address = pbx.example.com')
    expect(of('yealink-t54w')).not.toContain('template.1.')
    expect(of('yealink-w70b')).toContain('template.1.sip_server.1.address = pbx.example.com')
    expect(of('yealink-w70b')).not.toContain('account.1.sip_server.1.address')
    expect(catalogue.render('yealink-t44u', 'y000000000096.cfg', values)).toBeNull()
  })

  test.each([
    ['a model', '"family": "dect"', '"family": "detc"', /vendor\.json: no file is for the family detc/],
    [
      'a file',
      '"dect-without-common-file"\n      ]',
      '"dekt"\n      ]',
      /vendor\.json: no (file|model) is .* the family de/,
    ],
  ])('stop the start when %s misspells its family', async (_, right, wrong, message) => {
    expect(original).toContain(right)
    await writeFile(manifest, original.replace(right, wrong))
    await expect(loadCatalogue(folder)).rejects.toMatchObject({
      code: 'TEMPLATE_INVALID',
      message: expect.stringMatching(message),
    })
    await writeFile(manifest, original)
    await expect(loadCatalogue(folder)).resolves.toBeDefined()
  })
})
