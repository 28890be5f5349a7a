import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import { loadCatalogue } from '../../src/phones/catalogue.ts'
import { hostileName, nameOnOneLine } from './hostile-names.ts'
import { sampleSecrets, sampleValues, templatesFolder } from './sample-values.ts'
import { parseXmlSettings, settingsByName } from './xml-settings.ts'

const catalogue = await loadCatalogue(templatesFolder)
const mac = '0c383eaabbcc'
const fileName = `${mac}.cfg`
const values = sampleValues({ mac, caCertificate: null, clientCertificate: null })
const models = catalogue.models.filter(({ vendor }) => vendor === 'fanvil').map(({ id }) => id)

function own(changes = {}) {
  return catalogue.render('fanvil-x5u', fileName, { ...values, ...changes })!.body
}

describe('a Fanvil phone', () => {
  test('is told to speak TLS and to encrypt speech', () => {
    expect(settingsByName(own())).toMatchObject({
      'sip/line/PhoneNumber': '1001',
      'sip/line/DisplayName': 'Ada Lovelace',
      'sip/line/RegisterAddr': 'pbx.example.com',
      'sip/line/RegisterPort': '5062',
      'sip/line/RegisterUser': '1001-k3f9',
      'sip/line/RegisterPswd': 'sipSecretOfAda7',
      'sip/line/RegisterTTL': '600',
      'sip/line/Transport': '3',
      'sip/line/MediaCrypto': '2',
    })
  })

  test('claims no more than is known of it: no certificate, no authority, no forced encryption', () => {
    for (const model of models) {
      expect(catalogue.model(model)!.capabilities, model).toMatchObject({
        clientCertificate: 'none',
        acceptsPrivateCa: false,
        srtpForced: false,
      })
    }
  })

  test('comes back to its own address only', () => {
    expect(settingsByName(own())).toMatchObject({
      'ap/FlashServerIP': 'https://phones.example.com',
      'ap/FlashFileName': `${new URL(values.provisioningUrl).pathname.slice(1)}${fileName}`,
      'ap/FlashProtocol': '5',
      'ap/FlashMode': '2',
      'ap/FlashInterval': '1',
      'ap/pnp/PNPEnable': '0',
      'ap/opt/DHCPOption': '0',
      'tr069/EnableTR069': '0',
    })
    expect(settingsByName(own({ provisioningUrl: 'http://127.0.0.1:8443/p/abc/' }))).toMatchObject({
      'ap/FlashServerIP': 'http://127.0.0.1:8443',
      'ap/FlashFileName': `p/abc/${fileName}`,
      'ap/FlashProtocol': '4',
    })
  })

  test('keeps its own pages behind passwords that nobody else has', () => {
    const passwords = parseXmlSettings(own()).filter(({ name }) => name === 'web/account/Password')
    expect(passwords.map(({ value }) => value)).toEqual(['adminPasswordOfAda8', 'userPasswordOfAda9'])
    expect(settingsByName(own())).toMatchObject({
      'phone/MenuPassword': 'adminPasswordOfAda8',
      'web/EnableTelnet': '0',
      'call/port/AllowIPCall': '0',
    })
  })

  test('without a time server keeps its own', () => {
    const names = parseXmlSettings(own({ timeServer: null })).map(({ name }) => name)
    expect(names).not.toContain('phone/date/SNTPServer')
    expect(names).not.toContain('net/DHCPAutoTime')
  })

  test('says each thing once, but for its two accounts', () => {
    const names = parseXmlSettings(own())
      .map(({ name }) => name)
      .filter((name) => !name.startsWith('web/account/'))
    expect(names).toEqual([...new Set(names)])
  })

  test('gets the file that was looked at', async () => {
    await expect(own()).toMatchFileSnapshot('golden/fanvil.xml')
  })

  test('shows any name as it was typed, and nothing else changes', () => {
    const usual = parseXmlSettings(own()).filter(({ name }) => name !== 'sip/line/DisplayName')
    fc.assert(
      fc.property(hostileName, (name) => {
        const settings = parseXmlSettings(own({ displayName: name }))
        expect(settings.filter((setting) => setting.name !== 'sip/line/DisplayName')).toEqual(usual)
        expect(settings.find((setting) => setting.name === 'sip/line/DisplayName')!.value).toBe(nameOnOneLine(name))
      }),
      { numRuns: 200 },
    )
  })
})

describe('a Fanvil phone that was taken back', () => {
  const blanking = { mac, filler: new Secret('randomFiller1') }

  test.each(models)('of model %s finds nothing of its owner, and asks no more', (model) => {
    expect(catalogue.fileNames(model, mac)).toEqual([fileName])
    const { body } = catalogue.renderBlanking(model, fileName, blanking)!
    for (const secret of sampleSecrets) expect(body).not.toContain(secret)
    expect(settingsByName(body)).toMatchObject({
      'sip/line/EnableReg': '0',
      'sip/line/RegisterPswd': '',
      'ap/FlashServerIP': '',
      'ap/FlashMode': '0',
    })
    expect(body.match(/randomFiller1/g)).toHaveLength(2)
  })

  test('has every identity and secret of its file overwritten', () => {
    const told = settingsByName(catalogue.renderBlanking('fanvil-x5u', fileName, blanking)!.body)
    const personal = parseXmlSettings(own()).filter(({ value }) =>
      sampleSecrets.some((secret) => value.includes(secret)),
    )
    expect(personal.length).toBeGreaterThan(9)
    for (const { name } of personal) expect(told, name).toHaveProperty([name])
  })
})
