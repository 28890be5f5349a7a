import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { PhoneSetting, PhoneSettingLayer } from '../../src/domain/phone-setting.ts'
import { changedFiles, filesChangedBySettings } from '../../src/journeys/changed-files.ts'
import type { Catalogue } from '../../src/phones/phone-port.ts'
import { templatesFolder } from '../phones/sample-values.ts'
import { handsetOf, mia, offboarded, onboarded, openWorld, person, steadyUrl, type World } from './world.ts'

async function ownFile(
  { folder }: Pick<World, 'folder'>,
  name: string,
  edit: (delivered: string) => string,
): Promise<string> {
  const delivered = await readFile(join(templatesFolder, name), 'utf8').catch(() => '')
  const path = join(folder, 'templates', name)
  await mkdir(dirname(path), { recursive: true })
  // As a whole or not at all, which is also how an editor saves.
  await writeFile(`${path}~`, edit(delivered))
  await rename(`${path}~`, path)
  return path
}

async function templateLines({ app }: World): Promise<readonly string[]> {
  return (await app.doctor()).checks
    .filter(({ area }) => area === 'templates')
    .map(({ state, message }) => `${state}: ${message}`)
}

async function office(): Promise<World> {
  const world = await openWorld()
  await world.app.onboard(person('Ada Byron', '1001', 'yealink-t54w=805ec0aabbcc', 'linphone-mobile'), mia)
  await world.app.onboard(person('Ben Li', '1002', 'snom-d785=000413aabbcc'), mia)
  await world.app.onboard(person('Cem Öz', '1003', 'yealink-t46u=805ec0aabbcd'), mia)
  await world.loop.idle()
  return world
}

async function idsIn({ app }: World): Promise<Readonly<Record<string, string>>> {
  const people = await app.employees({})
  return Object.fromEntries(people.flatMap(({ handsets }) => handsets.map(({ model, id }) => [model, id])))
}

describe("a template of one's own", () => {
  test('is tried in a dry run, then reaches phones at their next fetch, and only the files that it changes', async () => {
    await using world = await office()
    const ids = await idsIn(world)
    const url = await steadyUrl(world, ids['yealink-t54w']!)
    const before = (await world.fetch(url, '805ec0aabbcc.cfg'))!
    await ownFile(world, 'phones/yealink/phone.cfg', (text) => `${text}## ours\n`)
    expect(await templateLines(world)).toContain('note: the templates were changed since they were read')

    const told = await world.app.reloadTemplates({ dryRun: true }, mia)
    expect(told).toMatchObject({ dryRun: true, replaced: ['phones/yealink/phone.cfg'], unused: [] })
    expect(new Map(told.changes.map(({ handsetId, files }) => [handsetId, files]))).toEqual(
      new Map([
        [ids['yealink-t54w'], ['805ec0aabbcc.cfg']],
        [ids['yealink-t46u'], ['805ec0aabbcd.cfg']],
      ]),
    )
    expect((await world.fetch(url, '805ec0aabbcc.cfg', before.etag))!.notModified).toBe(true)

    expect((await world.app.reloadTemplates({ dryRun: false }, mia)).changes).toEqual(told.changes)
    const after = (await world.fetch(url, '805ec0aabbcc.cfg', before.etag))!
    expect(after.notModified).toBe(false)
    expect(after.body).toBe(`${before.body}## ours\n`)
    expect(await templateLines(world)).toEqual(['note: your own stand in for phones/yealink/phone.cfg'])
    expect((await world.app.reloadTemplates({ dryRun: false }, mia)).changes).toEqual([])
    const events = (await world.store.auditTrail({ limit: 100 })).filter(({ kind }) => kind === 'templates.reloaded')
    expect(events.map(({ detail }) => JSON.parse(detail!))).toMatchObject([{ actor: 'Mia', handsets: 2 }])

    await using again = await world.restart()
    expect((await again.fetch(url, '805ec0aabbcc.cfg'))!.body).toBe(after.body)
    await rm(join(again.folder, 'templates'), { recursive: true })
    await again.app.reloadTemplates({ dryRun: false }, mia)
    expect((await again.fetch(url, '805ec0aabbcc.cfg'))!.body).toBe(before.body)
    expect(await templateLines(again)).toEqual(['ok: no delivered template is replaced'])
  })

  test('shows in a preview as what the phone gets anew', async () => {
    await using world = await office()
    const id = (await idsIn(world))['linphone-mobile']!
    await world.fetch(await steadyUrl(world, id), 'linphone.xml')
    await world.door.flush()
    await ownFile(world, 'phones/linphone/linphone.xml', (text) =>
      text.replace('</config>', '<!-- ours -->\n</config>'),
    )
    await world.app.reloadTemplates({ dryRun: false }, mia)
    expect(await world.app.previewFile(id, 'linphone.xml')).toMatchObject({
      ownTemplate: true,
      differs: true,
      diff: expect.stringMatching(/^\+<!-- ours -->$/m),
    })
  })

  test('with a mistake stops the reload and the next start with file and line, and what runs goes on', async () => {
    await using world = await office()
    const url = await steadyUrl(world, (await idsIn(world))['yealink-t54w']!)
    const path = await ownFile(world, 'phones/yealink/phone.cfg', () => '# ours\n\nx = {{ sip.passwort }}\n')
    const wrong = `${path}:3: undefined variable: sip.passwort`
    for (const dryRun of [true, false]) {
      await expect(world.app.reloadTemplates({ dryRun }, mia)).rejects.toMatchObject({
        code: 'TEMPLATE_INVALID',
        message: wrong,
        hint: expect.stringContaining('one of your own can also be removed'),
      })
    }
    expect((await world.fetch(url, '805ec0aabbcc.cfg'))!.body).toContain('account.1.sip_server.1.address')
    expect(await templateLines(world)).toEqual([`problem: ${wrong}`])

    // A second one: both are told at once.
    const other = await ownFile(world, 'phones/snom/vendor.json', (text) => text.replace('"models"', 'models'))
    const [first, second] = await templateLines(world)
    expect(first).toMatch(new RegExp(`^problem: ${other}:\\d+: it is not JSON: `))
    expect(second).toBe(`problem: ${wrong}`)
    await world.stop()
    const again = await openWorld({ folder: world.folder }).catch((error: unknown) => error)
    expect(again).toMatchObject({
      code: 'TEMPLATE_INVALID',
      problems: [{ message: first!.slice('problem: '.length) }, { message: wrong }],
    })
  })

  test('under a name that replaces nothing is told as misspelt', async () => {
    await using world = await office()
    await ownFile(world, 'phones/yealink/phone.cgf', () => 'x')
    await ownFile(world, 'notes.txt', () => 'x')
    expect(await templateLines(world)).toContain('note: nothing uses notes.txt, phones/yealink/phone.cgf')
    expect(await world.app.reloadTemplates({ dryRun: true }, mia)).toMatchObject({
      changes: [],
      unused: ['notes.txt', 'phones/yealink/phone.cgf'],
    })
  })

  test('for a vendor of its own cannot be taken away while such a phone is handed out', async () => {
    await using world = await office()
    await ownFile(world, 'phones/acme/linphone.xml', () => '<a>{{ displayName }}</a>\n')
    const manifest = await readFile(join(templatesFolder, 'phones/linphone/vendor.json'), 'utf8')
    await ownFile(world, 'phones/acme/vendor.json', () =>
      manifest.replaceAll('"linphone-', '"acme-').replace('"blanking.xml"', 'null'),
    )
    expect((await world.app.reloadTemplates({ dryRun: false }, mia)).changes).toEqual([])
    const { employee } = await onboarded(world, person('Dan Ek', '1004', 'acme-mobile'))
    const url = await steadyUrl(world, handsetOf(employee, 'acme-mobile').id)
    expect((await world.fetch(url, 'linphone.xml'))!.body).toBe('<a>Dan Ek</a>\n')

    await rename(join(world.folder, 'templates/phones/acme'), join(world.folder, 'acme'))
    await expect(world.app.reloadTemplates({ dryRun: false }, mia)).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining('acme-mobile (1)'),
    })
    expect((await world.fetch(url, 'linphone.xml'))!.body).toBe('<a>Dan Ek</a>\n')
    // After it was taken back it still asks for the document that takes its account away.
    const { employee: eve } = await onboarded(world, person('Eve Ng', '1005', 'acme-desktop'))
    await offboarded(world, '1005')
    expect(eve.handsets).toHaveLength(1)
    await expect(world.app.reloadTemplates({ dryRun: true }, mia)).rejects.toMatchObject({
      message: expect.stringContaining('acme-mobile (1), acme-desktop (1)'),
    })
    await world.travel(31)
    await expect(world.app.reloadTemplates({ dryRun: true }, mia)).rejects.toMatchObject({
      message: expect.stringMatching(/: acme-mobile \(1\)$/),
    })
    await using again = await world.restart()
    expect((await templateLines(again))[0]).toMatch(/^problem: handsets .* they get no file: acme-mobile \(1\)$/)
    await expect(again.app.handsetFiles(handsetOf(employee, 'acme-mobile').id)).rejects.toMatchObject({
      code: 'CONFLICT',
      message: 'nothing can be made for this handset, a acme-mobile',
    })
  })
})

describe('which files change with a setting', () => {
  const setting = (layer: PhoneSettingLayer, scope: string, value: string): PhoneSetting => ({
    id: `${layer}/${scope}/sample`,
    ...{ layer, scope, name: 'sample', value, setAt: '2026-11-01T00:00:00.000Z', setBy: 'Mia' },
  })
  /** Yealink's own file prints the setting, nobody else's does. */
  const printing = (catalogue: Catalogue): Catalogue => ({
    ...catalogue,
    edition: 'printing',
    models: catalogue.models,
    model: (id) => catalogue.model(id),
    fileNames: (id, mac) => catalogue.fileNames(id, mac),
    render(id, name, values) {
      const file = catalogue.render(id, name, values)
      const printed = id.startsWith('yealink-') && name.startsWith('805ec0') && name.endsWith('.cfg')
      return file && printed ? { ...file, body: `${file.body}sample = ${values.settings.sample ?? ''}\n` } : file
    },
  })

  test('of the site: of those models whose template prints it; of a handset: its own', async () => {
    await using world = await office()
    const ids = await idsIn(world)
    const context = { ...world.context, catalogue: printing(world.context.catalogue) }
    const changed = async (...after: readonly PhoneSetting[]) =>
      (await filesChangedBySettings(context, after))
        .map(({ handsetId, files }) => `${handsetId} ${files.join(' ')}`)
        .sort()
    const t54w = `${ids['yealink-t54w']} 805ec0aabbcc.cfg`
    const t46u = `${ids['yealink-t46u']} 805ec0aabbcd.cfg`
    const both = [t54w, t46u].sort()
    expect(await changed()).toEqual([])
    expect(await changed(setting('site', 'default', 'Office'))).toEqual(both)
    expect(await changed(setting('model', 'yealink-t46u', 'Office'))).toEqual([t46u])
    expect(await changed(setting('model', 'snom-d785', 'Office'))).toEqual([])
    expect(await changed(setting('handset', ids['yealink-t54w']!, 'Ada'))).toEqual([t54w])

    const now = [setting('site', 'default', 'Office'), setting('handset', ids['yealink-t54w']!, 'Ada')]
    await world.store.transaction((tx) => tx.insert('phoneSetting', now))
    await world.context.phoneSettings.refresh()
    expect(await changed(...now)).toEqual([])
    // The handset's own wins over what changes beneath it.
    expect(await changed(setting('site', 'default', 'Home'), now[1]!)).toEqual([t46u])
    expect(await changed()).toEqual(both)
  })

  test('looks at a handset with a certificate and at one without apart', async () => {
    await using world = await office()
    const ids = await idsIn(world)
    const [t54w, t46u] = [ids['yealink-t54w']!, ids['yealink-t46u']!]
    const { employee } = await onboarded(world, person('Eve Ng', '1005', 'yealink-t54w=805ec0aabbce'))
    const bare = handsetOf(employee, 'yealink-t54w').id
    const [certificate] = await world.store.find('certificate', { handsetId: bare, revokedAt: null })
    const revokedAt = new Date().toISOString()
    await world.store.transaction((tx) => tx.update('certificate', certificate!.id, { revokedAt }))
    const { catalogue } = world.context
    const other: Catalogue = {
      ...printing(catalogue),
      edition: 'other',
      render(id, name, values) {
        const file = catalogue.render(id, name, values)
        return file && values.clientCertificate === null ? { ...file, body: `${file.body}#` } : file
      },
    }
    const settings: readonly PhoneSetting[] = []
    const changes = await changedFiles(world.context, { catalogue, settings }, { catalogue: other, settings })
    const touched = changes.map(({ handsetId }) => handsetId)
    expect(touched).toContain(bare)
    expect(touched).not.toContain(t54w)
    expect(touched).not.toContain(t46u)
  })
})
