import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { loadCatalogue } from '../../src/phones/catalogue.ts'
import { templatesFolder } from './sample-values.ts'

const folders: string[] = []
afterEach(async () => {
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true })))
})

interface Manifest {
  readonly models: { signIn?: { deepLink: string | null } }[]
}

/** The problems that the catalogue finds after somebody edited a vendor's folder. */
async function problemsAfter(vendor: string, edit: (manifest: Manifest) => void): Promise<readonly string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'ringfence-sign-in-'))
  folders.push(folder)
  await cp(templatesFolder, folder, { recursive: true })
  const path = join(folder, 'phones', vendor, 'vendor.json')
  const manifest = JSON.parse(await readFile(path, 'utf8')) as Manifest
  edit(manifest)
  await writeFile(path, JSON.stringify(manifest))
  const found = await loadCatalogue(folder).then(
    () => [],
    (error: { problems: { field: string }[] }) => error.problems,
  )
  return found.map(({ field }) => field)
}

describe('the words of an app stop the start', () => {
  test('when an app has none', async () => {
    expect(await problemsAfter('microsip', ({ models }) => delete models[0]!.signIn)).toEqual(['models.0.signIn'])
  })

  test.each([
    'javascript:alert({url})',
    'data:text/html,{url}',
    'https://example.com/{url}',
    'linphone-config:',
    'linphone-config:{uri}',
    'Evil Scheme:{url}',
  ])('when its link could do something else than open the app: %s', async (deepLink) => {
    const set = ({ models }: Manifest) => {
      models[0]!.signIn!.deepLink = deepLink
    }
    expect(await problemsAfter('linphone', set)).toEqual(['models.0.signIn.deepLink'])
  })

  test('and not when it is as it should be', async () => {
    const set = ({ models }: Manifest) => {
      models[0]!.signIn!.deepLink = 'acme+app:open?at={urlWithoutScheme}'
    }
    expect(await problemsAfter('linphone', set)).toEqual([])
  })
})
