import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { AppError } from '../../src/errors.ts'
import { loadCatalogue } from '../../src/phones/catalogue.ts'
import type { Format } from '../../src/phones/escape.ts'
import { readVendors } from '../../src/phones/manifest.ts'
import { sampleValues, templatesFolder } from './sample-values.ts'
import { parametersOfTemplate } from './template-parameters.ts'
import { parseXmlSettings } from './xml-settings.ts'

const catalogue = await loadCatalogue(templatesFolder)

const folders: string[] = []
afterEach(async () => {
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true })))
})

/** A copy of the delivered templates that a test may spoil. */
async function copyOfTemplates(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'ringfence-templates-'))
  folders.push(folder)
  await cp(templatesFolder, folder, { recursive: true })
  return folder
}

async function change(path: string, edit: (text: string) => string): Promise<void> {
  await writeFile(path, edit(await readFile(path, 'utf8')))
}

async function failure(folder: string): Promise<AppError> {
  const error = await loadCatalogue(folder).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(AppError)
  return error as AppError
}

describe('the catalogue', () => {
  test('knows the delivered models by the ids that people type', () => {
    for (const { id, vendor, kind, name } of catalogue.models) {
      expect(id).toMatch(/^[a-z0-9]+(-[a-z0-9]+)+$/)
      expect(id.startsWith(kind === 'gateway' ? 'gateway-' : `${vendor}-`), id).toBe(true)
      expect(name, id).not.toBe('')
    }
    expect(catalogue.models.map(({ id }) => id)).toEqual(
      expect.arrayContaining(['linphone-mobile', 'yealink-t46u', 'yealink-t54w', 'yealink-w70b', 'gateway-plain']),
    )
    expect(catalogue.model('yealink-t54w')).toMatchObject({
      name: 'Yealink T54W',
      capabilities: { ownTunnel: false, clientCertificate: 'provisioned', resyncEvent: 'check-sync;reboot=false' },
    })
    expect(catalogue.model('linphone-mobile')?.capabilities.clientCertificate).toBe('none')
    expect(catalogue.model('constructor')).toBeUndefined()
  })

  test('claims no model as tried on hardware, since none was', () => {
    expect(catalogue.models.filter((model) => model.capabilities.testedOnHardware)).toEqual([])
  })

  test('offers the nearest ids to a mistyped one', () => {
    expect(catalogue.nearest('yealink-54w')[0]).toBe('yealink-t54w')
    expect(catalogue.nearest('Linphone_Mobil')[0]).toBe('linphone-mobile')
    expect(catalogue.nearest('t54w')).toContain('yealink-t54w')
    // Nothing is near: no guess is better than five wrong ones.
    expect(catalogue.nearest('x'.repeat(10_000))).toEqual([])
    expect(catalogue.nearest('a telephone')).toEqual([])
  })

  test('hints at a MAC address of another maker, and never where it knows no prefixes', () => {
    expect(catalogue.looksForeign('yealink-t54w', '805ec0aabbcc')).toBe(false)
    expect(catalogue.looksForeign('yealink-t54w', '000413aabbcc')).toBe(true)
    expect(catalogue.looksForeign('linphone-mobile', '000413aabbcc')).toBe(false)
  })

  test('names the files that a handset may ask for', () => {
    expect(catalogue.fileNames('yealink-t54w', '805ec0aabbcc')).toEqual([
      'y000000000096.cfg',
      '805ec0aabbcc.cfg',
      'ca.pem',
      '805ec0aabbcc.pem',
    ])
    expect(catalogue.fileNames('yealink-t57w', null)).toEqual(['y000000000097.cfg', 'ca.pem'])
    expect(catalogue.fileNames('linphone-desktop', null)).toEqual(['linphone.xml'])
    expect(catalogue.fileNames('gateway-plain', null)).toEqual([])
    expect(catalogue.fileNames('nokia-3310', null)).toEqual([])
  })

  test('has no file for another name, another MAC or an unknown model', () => {
    const values = sampleValues()
    for (const name of ['805ec0aabbcd.cfg', '{mac}.cfg', 'null.cfg', '../vendor.json', 'y000000000097.cfg', '']) {
      expect(catalogue.render('yealink-t54w', name, values)).toBeNull()
    }
    expect(catalogue.render('yealink-t54w', 'null.cfg', sampleValues({ mac: null }))).toBeNull()
    expect(catalogue.render('nokia-3310', 'linphone.xml', values)).toBeNull()
  })
})

describe('every parameter in a template', () => {
  test('stands in its vendor.json with a source, and none stands there in vain', async () => {
    for (const { id, path, manifest } of await readVendors(templatesFolder)) {
      const used = new Set<string>()
      for (const file of manifest.files) {
        if (!('template' in file)) continue
        for (const name of [file.template, file.blanking]) {
          if (name !== null)
            for (const used_ of parametersOf(file.format, await readFile(join(path, name), 'utf8'))) used.add(used_)
        }
      }
      expect(used.size, id).toBeGreaterThan(9)
      expect([...used].sort(), id).toEqual(manifest.parameters.map((parameter) => parameter.name).sort())
    }
  })
})

function parametersOf(format: Format, template: string): readonly string[] {
  // Lines of an admin name no setting of ours.
  template = template.replace('{{ extraLines }}', '')
  const names = parametersOfTemplate(format, template)
  if (names) return names
  if (/<(gs_provision|settings|setting-files|sysConf)/.test(template)) {
    const withoutLiquid = template.replace(/\{%[\s\S]*?%\}/g, '').replace(/\{\{[\s\S]*?\}\}/g, 'x')
    return parseXmlSettings(withoutLiquid).map(({ name }) => name)
  }
  if (!template.includes('<config')) {
    return [...template.matchAll(/^([a-z][\w.]*) = /gm)].map((match) => match[1]!)
  }
  return [...template.matchAll(/<section name="(\w+)">([\s\S]*?)<\/section>/g)].flatMap((section) =>
    [...section[2]!.matchAll(/<entry name="([\w-]+)"/g)].map((entry) => `${section[1]}/${entry[1]}`),
  )
}

describe('a spoilt template stops the start and names the file', () => {
  test('when a vendor.json is not JSON or lacks something', async () => {
    const folder = await copyOfTemplates()
    const path = join(folder, 'phones/yealink/vendor.json')
    await change(path, (text) => text.replace('"firmwareFloor"', '"firmwarefloor"'))
    const missing = await failure(folder)
    expect(missing).toMatchObject({ code: 'TEMPLATE_INVALID', hint: expect.stringContaining('put the file back') })
    expect(missing.message).toContain(path)
    expect(missing.problems.map((problem) => problem.field)).toContain('firmwareFloor')

    await change(path, () => '{')
    expect((await failure(folder)).message).toContain(`${path}:1: it is not JSON`)
  })

  test.each([
    ['a name that does not exist', '{{ sip.passwort }}', /undefined variable/],
    ['a way past the escape', '{{ displayName | raw }}', /undefined filter: raw/],
    ['a tag that prints unescaped', '{% cycle displayName, "x" %}', /tag "cycle" not found/],
    ['another file', '{% render "/etc/passwd" %}', /tag "render" not found/],
    ['the date', '{{ "now" | date: "%s" }}', /undefined filter: date/],
    ['what the prototypes hold', '{{ displayName.constructor }}', /undefined variable/],
    ['an unfinished tag', '{% if timeServer %}', /not closed/],
    ['a value that may be missing', '{{ timeServer }}', /neither text nor a number/],
    [
      'work without end',
      '{% for a in (1..100000) %}{% for b in (1..100000) %}x{% endfor %}{% endfor %}',
      /limit exceeded/,
    ],
  ])('when it asks for %s', async (_, addition, message) => {
    const folder = await copyOfTemplates()
    const path = join(folder, 'phones/yealink/phone.cfg')
    await change(path, (text) => text + addition)
    const error = await failure(folder)
    expect(error.code).toBe('TEMPLATE_INVALID')
    expect(error.message).toContain(path)
    expect(error.message).toMatch(message)
  })

  test('when a template is missing, a file name has an unknown variable, or an id is taken twice', async () => {
    const folder = await copyOfTemplates()
    const path = join(folder, 'phones/linphone/vendor.json')
    const original = await readFile(path, 'utf8')
    await change(path, (text) => text.replace('"linphone.xml",\n      "blanking"', '"gone.xml",\n      "blanking"'))
    expect((await failure(folder)).message).toMatch(/gone\.xml: it cannot be read/)
    await change(path, () => original.replace('"name": "linphone.xml"', '"name": "{serial}.xml"'))
    expect((await failure(folder)).message).toMatch(/no variable for \{serial\}/)
    await change(path, () => original.replace('"linphone-desktop"', '"linphone-mobile"'))
    expect((await failure(folder)).message).toMatch(/two models are called linphone-mobile/)
    await change(path, () => original.replace('"linphone-desktop"', '"yealink-t99"'))
    expect((await failure(folder)).message).toMatch(/does not begin with linphone-/)
  })
})

test('a new vendor is a folder with data and nothing else', async () => {
  const folder = await copyOfTemplates()
  await cp(join(folder, 'phones/linphone'), join(folder, 'phones/acme'), { recursive: true })
  await change(join(folder, 'phones/acme/vendor.json'), (text) => text.replaceAll('"linphone-', '"acme-'))
  const withAcme = await loadCatalogue(folder)
  expect(withAcme.render('acme-mobile', 'linphone.xml', sampleValues())?.body).toContain('1001-k3f9')
})
