import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Mask } from '../../src/domain/mask.ts'
import { loadCatalogue } from '../../src/phones/catalogue.ts'
import { escapeFor, formats } from '../../src/phones/escape.ts'
import { loadTemplates } from '../../src/phones/load-templates.ts'
import { replaceableCatalogue } from '../../src/phones/replaceable-catalogue.ts'
import { sampleValues, templatesFolder } from './sample-values.ts'

let own: string
beforeEach(async () => {
  own = await mkdtemp(join(tmpdir(), 'ringfence-own-templates-'))
})
afterEach(() => rm(own, { recursive: true, force: true }))

async function put(name: string, content: string | Buffer): Promise<string> {
  const path = join(own, name)
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, content)
  return path
}

const load = () => loadTemplates({ delivered: templatesFolder, own })
const linphone = async () => (await load()).catalogue.render('linphone-mobile', 'linphone.xml', sampleValues())?.body

describe("a folder of one's own", () => {
  test('need not be there, and changes nothing while it is empty', async () => {
    const { edition } = await loadCatalogue(templatesFolder)
    expect((await load()).catalogue.edition).toBe(edition)
    await rm(own, { recursive: true })
    const loaded = await load()
    expect([loaded.catalogue.edition, loaded.replaced, loaded.unused]).toEqual([edition, [], []])
  })

  test('stands in file by file, gateways included, and everything else stays as delivered', async () => {
    await put('phones/linphone/linphone.xml', '<a>{{ displayName }}</a>')
    await put('gateways/plain/instructions.html', '<p>{{ pbx.host }}</p>')
    const { catalogue, replaced, unused } = await load()
    expect(catalogue.render('linphone-mobile', 'linphone.xml', sampleValues())?.body).toBe('<a>Ada Lovelace</a>')
    expect(catalogue.templateOf('linphone-mobile', 'LINPHONE.XML', null)).toEqual({
      template: 'phones/linphone/linphone.xml',
      own: true,
    })
    expect(catalogue.templateOf('yealink-t54w', 'y000000000096.cfg', null)).toMatchObject({ own: false })
    expect(catalogue.templateOf('yealink-t54w', 'ca.pem', null)).toBeNull()
    expect(replaced).toEqual(['gateways/plain/instructions.html', 'phones/linphone/linphone.xml'])
    expect(unused).toEqual([])
    const delivered = await loadCatalogue(templatesFolder)
    expect(
      catalogue.renderBlanking('linphone-mobile', 'linphone.xml', { mac: null, filler: new Mask('x', 'g1') }),
    ).toEqual(delivered.renderBlanking('linphone-mobile', 'linphone.xml', { mac: null, filler: new Mask('x', 'g1') }))
  })

  test('may hold links, as a configuration tool lays them, and what an editor leaves behind does not count', async () => {
    await put('elsewhere', '<a>linked</a>')
    await mkdir(join(own, 'phones'), { recursive: true })
    await mkdir(join(own, '.store/linphone'), { recursive: true })
    await symlink(join(own, 'elsewhere'), join(own, '.store/linphone/linphone.xml'))
    await symlink(join(own, '.store/linphone'), join(own, 'phones/linphone'))
    for (const left of ['linphone.xml~', '.linphone.xml.swp']) await put(`phones/linphone/${left}`, '{{')
    expect(await linphone()).toBe('<a>linked</a>')
    expect((await load()).unused).toEqual(['elsewhere'])
  })

  test('may be written on Windows: a byte-order mark is no part of a template', async () => {
    await put('phones/linphone/linphone.xml', '\ufeff<a>{{ displayName }}</a>\r\n')
    expect(await linphone()).toBe('<a>Ada Lovelace</a>\r\n')
  })

  test('is never read past what a template may be', async () => {
    const path = await put('phones/linphone/linphone.xml', Buffer.from('<a>Zo\u00eb</a>', 'latin1'))
    await expect(load()).rejects.toMatchObject({ code: 'TEMPLATE_INVALID', message: `${path}: it is not UTF-8` })
    await put('phones/linphone/linphone.xml', 'x'.repeat(1_000_001))
    await expect(load()).rejects.toMatchObject({ message: `${path}: it is larger than 1 MB` })
    await rm(path)
    await symlink('/dev/zero', path)
    expect((await load()).replaced).toEqual([])
    await rm(path)
    await symlink(join(own, 'gone'), path)
    await expect(load()).rejects.toMatchObject({ message: `${path}: it cannot be read` })
  })

  test('without a vendor.json is one of a vendor that nobody knows', async () => {
    await put('phones/yeelink/phone.cfg', 'x')
    await expect(load()).rejects.toMatchObject({
      message: `${join(own, 'phones/yeelink/vendor.json')}: it cannot be read`,
    })
  })
})

describe('mistakes', () => {
  test('are told with their line, all of them at once, in whatever file they are', async () => {
    const xml = await put('phones/linphone/linphone.xml', '<a>\n{% for x in (1..3) %}\n{{ nope }}\n{% endfor %}')
    const cfg = await put('phones/yealink/phone.cfg', 'a\n\n\n{% if timeServer %}')
    const tombstone = await put('phones/snom/tombstone.xml', '{{ sip.secret }}')
    // Two of one vendor and two of another; Mitel's first is behind two files.
    const pairs = ['mitel/common.cfg', 'mitel/phone.cfg', 'baresip/accounts', 'baresip/config']
    const paired = await Promise.all(pairs.map((name) => put(`phones/${name}`, '{{ nope }}')))
    const html = await put('gateways/plain/instructions.html', 'x\n{{ door }}')
    const error = await load().catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'TEMPLATE_INVALID', message: 'several templates are wrong' })
    const messages = (error as { problems: { message: string }[] }).problems.map(({ message }) => message)
    expect(messages.sort()).toEqual(
      [
        `${xml}:3: undefined variable: nope`,
        `${cfg}:4: tag {% if timeServer %} not closed`,
        `${tombstone}:1: undefined variable: sip`,
        ...paired.map((path) => `${path}:1: undefined variable: nope`),
        `${html}:2: a template prints something that is neither text nor a number`,
      ].sort(),
    )
  })

  test('in a manifest are told with the entry', async () => {
    const path = await put('phones/linphone/vendor.json', '{"name": "Mine"}')
    const error = await load().catch((reason: unknown) => reason)
    expect(error).toMatchObject({
      message: expect.stringContaining(path),
      problems: expect.arrayContaining([expect.objectContaining({ field: 'files' })]),
    })
  })
})

test('a catalogue can be replaced under everybody who holds it', async () => {
  const { catalogue, replace } = replaceableCatalogue(await loadCatalogue(templatesFolder))
  const { edition } = catalogue
  await put('phones/linphone/linphone.xml', '<b>{{ extension }}</b>')
  replace((await load()).catalogue)
  expect(catalogue.edition).not.toBe(edition)
  expect(catalogue.render('linphone-mobile', 'linphone.xml', sampleValues())?.body).toBe('<b>1001</b>')
  expect(catalogue.models.length).toBeGreaterThan(20)
})

test('a mask for a secret is carried unchanged by every format', () => {
  const mask = new Mask('sip-secret', 'g3')
  for (const format of formats) {
    expect(escapeFor(format, mask), format).toBe('masked-sip-secret-g3')
    expect(escapeFor(format, mask.of('ha1')), format).toBe('masked-sip-secret-ha1-g3')
  }
  expect(String(mask)).toBe('[secret]')
})
