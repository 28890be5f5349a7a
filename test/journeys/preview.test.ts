import { inflateSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import { fileValues } from '../../src/journeys/file-values.ts'
import { scopeOf } from '../../src/phones/scope.ts'
import { handsetOf, mia, offboarded, onboarded, openWorld, person, steadyUrl, tokenIn, type World } from './world.ts'

/** Every Secret in here, however deep, as text. */
function secretsIn(value: unknown): readonly string[] {
  if (value instanceof Secret) return [value.reveal()]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(secretsIn) : []
}

/** What nobody may see of a handset: each secret of its files, what is worked out from them, and its link. */
async function secretsOf({ context, store }: World, handsetId: string): Promise<readonly string[]> {
  const handset = (await store.get('handset', handsetId))!
  const employee = (await store.get('employee', handset.employeeId))!
  const values = (await fileValues(context, handset, employee.name))!
  const keyLines = (values.clientCertificate?.privateKey.reveal() ?? '').split('\n')
  return [
    ...secretsIn(values),
    ...secretsIn(scopeOf(values, { polling: { minimumMinutes: null, sure: 'unknown', source: 'the test' } })),
    ...keyLines,
    values.provisioningUrl.split('/').at(-2)!,
  ].filter((secret) => secret.length > 5 && !secret.startsWith('-----'))
}

async function keptOf({ store, door }: World, handsetId: string) {
  await door.flush()
  return (await store.find('servedFile', { handsetId })).map((row) => ({
    ...row,
    body: inflateSync(Buffer.from(row.masked, 'base64')).toString(),
  }))
}

describe('every model that can be handed out', () => {
  let world: World
  /** The link of the invite by handset: while only that was used, a new invite changes every secret. */
  const urls = new Map<string, string>()
  beforeAll(async () => {
    world = await openWorld()
    const models = world.context.catalogue.models.filter(({ kind }) => kind !== 'gateway')
    for (const [index, { id, kind }] of models.entries()) {
      const mac = kind === 'desk-phone' ? `=02ff00${index.toString(16).padStart(6, '0')}` : ''
      const made = await world.app.onboard(person(`P${index} Example`, String(2000 + index), `${id}${mac}`), mia)
      for (const [handsetId, url] of Object.entries(made.provisioningUrls)) urls.set(handsetId, url)
    }
    expect(urls.size).toBe(models.length)
    await world.loop.idle()
  })
  afterAll(async () => world?.[Symbol.asyncDispose]())

  test('shows no secret in a preview, in a difference or in what is kept of a file', async () => {
    for (const [handsetId, url] of urls) {
      const old = await secretsOf(world, handsetId)
      const files = await world.app.handsetFiles(handsetId)
      const served = await Promise.all(files.map(({ fileName }) => world.fetch(url, fileName)))
      const { model } = (await world.store.get('handset', handsetId))!
      // Or the test would look for nothing.
      expect(
        served.some((file) => old.some((secret) => file?.body.includes(secret))),
        model,
      ).toBe(true)

      const kept = JSON.stringify(await keptOf(world, handsetId))
      const shown = await Promise.all(files.map(({ fileName }) => world.app.previewFile(handsetId, fileName)))
      for (const secret of old) expect(JSON.stringify([kept, shown, files]).includes(secret), model).toBe(false)
      expect(JSON.stringify(shown), model).toMatch(/masked-sip-secret(-ha1)?-g1/)
      expect(kept, model).toMatch(/masked-sip-secret(-ha1)?-g1/)
      expect(
        shown.map(({ differs, template }) => differs === (template === null ? null : false)),
        model,
      ).not.toContain(false)
    }
  })

  test('shows a rotation of its secrets as a change, and still none of them', async () => {
    const before = new Map<string, readonly string[]>()
    for (const id of urls.keys()) before.set(id, await secretsOf(world, id))
    for (const { extension } of await world.app.employees({})) await world.app.invite(extension, mia)
    await world.loop.idle()
    for (const handsetId of urls.keys()) {
      const { model } = (await world.store.get('handset', handsetId))!
      const files = await world.app.handsetFiles(handsetId)
      expect(
        files.some(({ differs }) => differs === true),
        model,
      ).toBe(true)
      const shown = await Promise.all(files.map(({ fileName }) => world.app.previewFile(handsetId, fileName)))
      expect(shown.map(({ diff }) => diff).join(''), model).toMatch(
        /^-.*masked-[a-z-]+-g1[\s\S]*^\+.*masked-[a-z-]+-g2/m,
      )
      for (const secret of [...before.get(handsetId)!, ...(await secretsOf(world, handsetId))])
        expect(JSON.stringify(shown).includes(secret), model).toBe(false)
    }
  })
})

describe('a preview', () => {
  test('compares with what the phone last fetched, under whatever spelling it asked', async () => {
    await using world = await openWorld()
    const { employee, provisioningUrls } = await onboarded(
      world,
      person('Ada Byron', '1001', 'yealink-t54w=805ec0aabbcc'),
    )
    const { id } = handsetOf(employee, 'yealink-t54w')
    const url = provisioningUrls[id]!
    const look = () => world.app.previewFile(id, '805EC0AABBCC.CFG')
    expect(await look()).toMatchObject({ fileName: '805ec0aabbcc.cfg', fetchedAt: null, differs: null, diff: null })

    const head = { token: tokenIn(url), remoteAddress: '203.0.113.7', userAgent: null, ifNoneMatch: null }
    await world.app.serveFile({ ...head, fileName: '805ec0aabbcc.cfg', method: 'HEAD' })
    await world.door.flush()
    expect(await look()).toMatchObject({ differs: null })

    await world.fetch(url, '805EC0AABBCC.cfg')
    await world.fetch(url, '805ec0aabbcc.cfg')
    expect(await keptOf(world, id)).toHaveLength(1)
    expect(await look()).toMatchObject({ differs: false, diff: '', template: 'phones/yealink/phone.cfg' })

    await world.app.invite('1001', mia)
    await world.loop.idle()
    const changed = await look()
    expect(changed.differs).toBe(true)
    expect(changed.diff).toContain(`--- last fetched, ${changed.fetchedAt}\n+++ now\n@@ -`)
    expect(changed.diff).toMatch(/^-.* = masked-sip-secret-g1$/m)
    expect(changed.diff).toMatch(/^\+.* = masked-sip-secret-g2$/m)
    expect(changed.diff).toMatch(/^\+.*masked-phone-admin-password-g2$/m)
    await world.fetch(await steadyUrl(world, id), '805ec0aabbcc.cfg')
    await world.door.flush()
    expect(await look()).toMatchObject({ differs: false })
  })

  test('names the settings that won, and the layer, in the files that say them and in no other', async () => {
    await using world = await openWorld()
    const { employee } = await onboarded(
      world,
      person('Ada Byron', '1001', 'yealink-t54w=805ec0aabb01', 'linphone-mobile'),
    )
    const { id } = handsetOf(employee, 'yealink-t54w')
    const set = (layer: 'site' | 'model' | 'handset', scope: string, name: string, value: string) => ({
      id: `${layer}/${scope}/${name}`,
      ...{ layer, scope, name, value, setAt: '2026-11-01T00:00:00.000Z', setBy: 'Mia' },
    })
    await world.store.transaction((tx) =>
      tx.insert('phoneSetting', [
        set('site', 'default', 'language', 'de'),
        set('model', 'yealink-t54w', 'language', 'fr'),
        set('site', 'default', 'label', 'Office'),
        set('handset', id, 'label', 'Ada'),
        set('handset', 'another', 'label', 'Bo'),
      ]),
    )
    await world.context.phoneSettings.refresh()
    const { settings } = await world.app.previewFile(id, '805ec0aabb01.cfg')
    expect(settings.toSorted((one, other) => (one.name < other.name ? -1 : 1))).toEqual([
      { name: 'label', value: 'Ada', layer: 'handset' },
      { name: 'language', value: 'fr', layer: 'model' },
    ])
    // The common file of the model holds nothing of a person, and this app takes no label and no language from here.
    expect((await world.app.previewFile(id, 'y000000000096.cfg')).settings).toEqual([])
    const app = handsetOf(employee, 'linphone-mobile').id
    expect((await world.app.previewFile(app, 'linphone.xml')).settings).toEqual([])
  })

  test('is refused for what is not there: a handset, a file, a handset that was taken back', async () => {
    await using world = await openWorld()
    const { employee } = await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
    const { id } = handsetOf(employee, 'linphone-mobile')
    await expect(world.app.previewFile('nobody', 'linphone.xml')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(world.app.previewFile(id, 'vendor.json')).rejects.toMatchObject({
      code: 'NOT_FOUND',
      hint: 'it has linphone.xml',
    })
    await world.app.removeHandset(id, mia)
    await expect(world.app.handsetFiles(id)).rejects.toMatchObject({ code: 'CONFLICT' })
  })
})

describe('what a phone was last served', () => {
  test('is written when it changes, and not for each fetch', async () => {
    await using world = await openWorld()
    const { employee } = await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
    const { id } = handsetOf(employee, 'linphone-mobile')
    const url = await steadyUrl(world, id)
    await world.fetch(url, 'linphone.xml')
    const [first] = await keptOf(world, id)
    expect(first).toMatchObject({ fileName: 'linphone.xml', contentHash: expect.stringMatching(/^[0-9a-f]{64}$/) })
    // After a restart nothing is in memory; what stands in the database is enough.
    await using again = await world.restart()
    again.store.failAt = null
    const file = await again.fetch(url, 'linphone.xml')
    expect(await again.fetch(url, 'linphone.xml', file!.etag)).toMatchObject({ notModified: true })
    expect(await keptOf(again, id)).toEqual([first])
    // Two lines of the ledger in one insert, and nothing else.
    expect(again.store.writes).toBe(1)
  })

  test('is told later when the database fails, and the phone gets its file all the same', async () => {
    await using world = await openWorld()
    const { employee } = await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
    const { id } = handsetOf(employee, 'linphone-mobile')
    const url = await steadyUrl(world, id)
    await world.fetch(url, 'linphone.xml')
    world.store.failAt = 2 // the ledger's line goes through, what was served does not
    await expect(world.door.flush()).rejects.toThrow()
    world.store.failAt = null
    expect(await world.fetch(url, 'linphone.xml')).not.toBeNull()
    expect(await keptOf(world, id)).toHaveLength(1)
  })

  test('goes with the person, also what was still on its way', async () => {
    await using world = await openWorld()
    const { employee } = await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile', 'linphone-desktop'))
    const [mobile, desktop] = ['linphone-mobile', 'linphone-desktop'].map((model) => handsetOf(employee, model).id)
    await world.fetch(await steadyUrl(world, mobile!), 'linphone.xml')
    expect(await keptOf(world, mobile!)).toHaveLength(1)
    await world.fetch(await steadyUrl(world, desktop!), 'linphone.xml')
    await offboarded(world, '1001')
    await world.app.erase('1001', mia)
    await world.door.flush()
    expect(await world.store.find('servedFile', {})).toEqual([])
  })
})
