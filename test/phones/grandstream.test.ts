import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import { loadCatalogue } from '../../src/phones/catalogue.ts'
import { hostileName, nameOnOneLine } from './hostile-names.ts'
import { sampleSecrets, sampleValues, templatesFolder } from './sample-values.ts'
import { parseXmlSettings, settingsByName } from './xml-settings.ts'

const catalogue = await loadCatalogue(templatesFolder)
const mac = 'c074adaabbcc'
const fileName = `cfg${mac}.xml`
const values = sampleValues({ mac, caCertificate: null })
const models = catalogue.models.filter(({ vendor }) => vendor === 'grandstream')

function own(changes = {}) {
  return catalogue.render('grandstream-grp2614', fileName, { ...values, ...changes })!.body
}

describe('a Grandstream phone', () => {
  test('is told to speak TLS and encrypted speech only, and to check the server', () => {
    expect(settingsByName(own())).toMatchObject({
      mac,
      P271: '1',
      P47: 'pbx.example.com:5062',
      P35: '1001',
      P36: '1001-k3f9',
      P34: 'sipSecretOfAda7',
      P3: 'Ada Lovelace',
      P130: '2',
      P183: '2',
      P2311: '1',
      P2367: '1',
      P22293: '12',
    })
  })

  test('registers for minutes, never for none', () => {
    expect(settingsByName(own()).P32).toBe('10')
    const sip = (expiresSeconds: number) => ({ sip: { ...values.sip, expiresSeconds } })
    expect(settingsByName(own(sip(90))).P32).toBe('1')
    expect(settingsByName(own(sip(30))).P32).toBe('1')
  })

  test('comes back to its own address only, which is written without its scheme', () => {
    expect(settingsByName(own())).toMatchObject({
      P212: '2',
      P237: values.provisioningUrl.replace('https://', '').replace(/\/$/, ''),
      P8463: '1',
      P22030: '1',
      P145: '0',
      P1414: '0',
      P1409: '0',
      P194: '1',
      P193: '60',
    })
    const plain = settingsByName(own({ provisioningUrl: 'http://127.0.0.1:8443/p/abc/' }))
    expect(plain).toMatchObject({ P212: '1', P237: '127.0.0.1:8443/p/abc' })
  })

  test('keeps its own pages shut', () => {
    expect(settingsByName(own())).toMatchObject({
      P2: 'adminPasswordOfAda8',
      P196: 'userPasswordOfAda9',
      P1650: '0',
      P276: '1',
      P32050: '0',
      P1310: '1',
      P7050: '0',
    })
  })

  test('gets certificate and key in its file, line for line', () => {
    const settings = settingsByName(own())
    expect(settings.P280).toBe('-----BEGIN CERTIFICATE-----\nYWRh\n-----END CERTIFICATE-----\n')
    expect(settings.P279).toBe('-----BEGIN PRIVATE KEY-----\na2V5\n-----END PRIVATE KEY-----\n')
    const none = settingsByName(own({ clientCertificate: null }))
    expect(none).toMatchObject({ P280: '', P279: '' })
  })

  test('can read a real key out of its file', () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    const clientCertificate = { certificate: values.clientCertificate!.certificate, privateKey: new Secret(pem) }
    const { P279 } = settingsByName(own({ clientCertificate }))
    expect(createPrivateKey(P279!).equals(privateKey)).toBe(true)
  })

  test('gets an authority of ours only where it is known to take one', () => {
    expect(models.filter(({ capabilities }) => capabilities.acceptsPrivateCa).map(({ id }) => id)).toEqual([
      'grandstream-wp820',
    ])
    expect(settingsByName(own())).not.toHaveProperty('P2386')
    expect(settingsByName(own({ caCertificate: sampleValues().caCertificate }))).toMatchObject({
      P8502: '2',
      P2386: '-----BEGIN CERTIFICATE-----\nY2E=\n-----END CERTIFICATE-----\n',
    })
  })

  test('says each thing once', () => {
    const names = parseXmlSettings(own()).map(({ name }) => name)
    expect(names).toEqual([...new Set(names)])
  })

  test('gets the file that was looked at', async () => {
    await expect(own()).toMatchFileSnapshot('golden/grandstream.xml')
  })

  test('shows any name as it was typed, and nothing else changes', () => {
    const usual = parseXmlSettings(own()).filter(({ name }) => name !== 'P3')
    fc.assert(
      fc.property(hostileName, (name) => {
        const settings = parseXmlSettings(own({ displayName: name }))
        expect(settings.filter((setting) => setting.name !== 'P3')).toEqual(usual)
        expect(settings.find((setting) => setting.name === 'P3')!.value).toBe(nameOnOneLine(name))
      }),
      { numRuns: 200 },
    )
  })
})

describe('a Grandstream phone that was taken back', () => {
  const blanking = { mac, filler: new Secret('randomFiller1') }

  test.each(models.map(({ id }) => id))('of model %s finds nothing of its owner, and asks no more', (model) => {
    expect(catalogue.fileNames(model, mac)).toEqual([fileName])
    const { body } = catalogue.renderBlanking(model, fileName, blanking)!
    for (const secret of sampleSecrets) expect(body).not.toContain(secret)
    expect(settingsByName(body)).toMatchObject({ P271: '0', P34: '', P279: '', P237: '', P194: '0' })
    expect(body.match(/randomFiller1/g)).toHaveLength(2)
  })

  test('has every identity and secret of its file overwritten', () => {
    const told = settingsByName(catalogue.renderBlanking('grandstream-grp2614', fileName, blanking)!.body)
    const personal = parseXmlSettings(own()).filter(({ value }) =>
      sampleSecrets.some((secret) => value.includes(secret)),
    )
    expect(personal.length).toBeGreaterThan(9)
    for (const { name } of personal) expect(told, name).toHaveProperty(name)
  })
})
