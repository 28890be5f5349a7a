import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import { loadCatalogue } from '../../src/phones/catalogue.ts'
import { hostileName, nameOnOneLine } from './hostile-names.ts'
import { sampleSecrets, sampleValues, templatesFolder } from './sample-values.ts'
import { parseXmlSettings, settingsByName } from './xml-settings.ts'

const catalogue = await loadCatalogue(templatesFolder)
const mac = '000413aabbcc'
const values = sampleValues({ mac, clientCertificate: null })
const models = catalogue.models.filter(({ vendor }) => vendor === 'snom').map(({ id }) => id)

function own(changes = {}) {
  return catalogue.render('snom-d785', `${mac}.xml`, { ...values, ...changes })!.body
}

describe('a Snom phone', () => {
  test('is told to speak TLS and encrypted speech only, and to check the server', () => {
    expect(settingsByName(own())).toMatchObject({
      user_active: 'on',
      user_realname: 'Ada Lovelace',
      user_name: '1001',
      user_pname: '1001-k3f9',
      user_pass: 'sipSecretOfAda7',
      user_host: 'pbx.example.com',
      user_outbound: 'pbx.example.com:5062;transport=tls',
      user_expiry: '600',
      user_srtp: 'on',
      user_savp: 'mandatory',
      check_fqdn_against_server_cert: 'on',
    })
  })

  test('comes back to its own file only, and keeps its pages shut', () => {
    expect(settingsByName(own())).toMatchObject({
      setting_server: `${values.provisioningUrl}${mac}.xml`,
      prov_polling_enabled: 'on',
      // An hour and some minutes: each phone has its own, and keeps it.
      prov_polling_period: expect.stringMatching(/^3[67]\d\d$|^3[89]\d\d$/),
      pnp_config: 'off',
      allow_sip_settings: 'off',
      filter_registrar: 'on',
      admin_mode: 'off',
      http_pass: 'adminPasswordOfAda8',
      webserver_admin_password: 'adminPasswordOfAda8',
      webserver_user_password: 'userPasswordOfAda9',
    })
  })

  test('lets its user change nothing that we set', () => {
    for (const { name, attributes } of parseXmlSettings(own())) {
      if (name === 'certificate') expect(attributes).toEqual({ type: 'base64' })
      else
        expect(attributes, name).toEqual(
          name.match(/^(user_|keepalive|codec_pri)/) ? { idx: '1', perm: 'R' } : { perm: 'R' },
        )
    }
  })

  test('gets the authority inside its file, without the lines around it', () => {
    expect(settingsByName(own()).certificate).toBe('Y2E=')
    expect(settingsByName(own({ caCertificate: null }))).not.toHaveProperty('certificate')
  })

  test.each(models)('of model %s that was given only a folder is led to its file', (model) => {
    const [file, common, index] = catalogue.fileNames(model, mac)
    expect(file).toBe(`${mac}.xml`)
    expect(index).toBe(common!.replace('.htm', '-000413AABBCC.htm'))
    const [pointer] = parseXmlSettings(catalogue.render(model, index!, values)!.body)
    expect(pointer).toEqual({
      name: 'setting-files/file',
      attributes: { url: `${values.provisioningUrl}${mac}.xml` },
      value: '',
    })
    expect(catalogue.render(model, '000413AABBCC.xml', values)!.body).toBe(own())
    const shared = settingsByName(catalogue.render(model, common!, values)!.body)
    expect(Object.keys(shared)).toEqual(['ntp_server', 'update_policy', 'certificate'])
    expect(settingsByName(own())).toMatchObject(shared)
  })

  test('asks by the name it has for itself', () => {
    expect(catalogue.fileNames('snom-d785', null)).toEqual(['snomD785.htm'])
    expect(catalogue.fileNames('snom-d715', null)).toEqual(['snom715.htm'])
  })

  test('says each thing once', () => {
    const names = parseXmlSettings(own()).map(({ name }) => name)
    expect(names).toEqual([...new Set(names)])
  })

  test('gets the file that was looked at', async () => {
    await expect(own()).toMatchFileSnapshot('golden/snom.xml')
  })

  test('shows any name as it was typed, and nothing else changes', () => {
    const carriesName = (name: string) => name === 'user_realname' || name === 'user_idle_text'
    const usual = parseXmlSettings(own()).filter(({ name }) => !carriesName(name))
    fc.assert(
      fc.property(hostileName, (name) => {
        const settings = parseXmlSettings(own({ displayName: name }))
        expect(settings.filter((setting) => !carriesName(setting.name))).toEqual(usual)
        for (const { value } of settings.filter((setting) => carriesName(setting.name)))
          expect(value).toBe(nameOnOneLine(name))
      }),
      { numRuns: 200 },
    )
  })
})

describe('a Snom phone that was taken back', () => {
  const blanking = { mac, filler: new Secret('randomFiller1') }

  test.each(models)('of model %s finds nothing of its owner in any file', (model) => {
    for (const name of catalogue.fileNames(model, mac)) {
      const { body } = catalogue.renderBlanking(model, name, blanking)!
      parseXmlSettings(body)
      for (const secret of sampleSecrets) expect(body).not.toContain(secret)
    }
  })

  test('has every identity and secret of its file overwritten, and asks no more', () => {
    const told = settingsByName(catalogue.renderBlanking('snom-d785', `${mac}.xml`, blanking)!.body)
    const personal = parseXmlSettings(own()).filter(({ value }) =>
      sampleSecrets.some((secret) => value.includes(secret)),
    )
    expect(personal.length).toBeGreaterThan(12)
    for (const { name } of personal) expect(told, name).toHaveProperty(name)
    expect(told).toMatchObject({ user_active: 'off', user_pass: '', setting_server: '', prov_polling_enabled: 'off' })
  })
})
