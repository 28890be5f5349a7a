import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import { loadCatalogue } from '../../src/phones/catalogue.ts'
import { sampleSecrets, sampleValues, templatesFolder } from './sample-values.ts'
import { parseYealink } from './yealink-file.ts'

const catalogue = await loadCatalogue(templatesFolder)
const values = sampleValues()
const models = catalogue.models.filter(({ vendor }) => vendor === 'yealink').map(({ id }) => id)
const withCommonFile = models.filter((model) => catalogue.fileNames(model, values.mac)[0]!.startsWith('y0'))

function own(changes = {}) {
  return parseYealink(catalogue.render('yealink-t54w', '805ec0aabbcc.cfg', sampleValues(changes))!.body)
}

describe('a Yealink phone', () => {
  test('is told to speak TLS and encrypted speech only, and to check the server', () => {
    const settings = Object.fromEntries(own())
    expect(settings).toMatchObject({
      'account.1.enable': '1',
      'account.1.label': '1001',
      'account.1.display_name': 'Ada Lovelace',
      'account.1.user_name': '1001',
      'account.1.auth_name': '1001-k3f9',
      'account.1.password': 'sipSecretOfAda7',
      'account.1.sip_server.1.address': 'pbx.example.com',
      'account.1.sip_server.1.port': '5062',
      'account.1.sip_server.1.transport_type': '2',
      'account.1.sip_server.1.expires': '600',
      'account.1.srtp_encryption': '2',
      'account.1.srtp.cipher_list': 'AES_CM_128_HMAC_SHA1_80,AES_CM_128_HMAC_SHA1_32',
      'static.security.trust_certificates': '1',
      'static.security.cn_validation': '1',
      'static.security.default_ssl_method': '5',
    })
  })

  test('comes back to its own address only, and keeps its pages shut', () => {
    const settings = own()
    expect(Object.fromEntries(settings)).toMatchObject({
      'static.auto_provision.server.url': values.provisioningUrl,
      'static.auto_provision.repeat.enable': '1',
      'static.auto_provision.dhcp_option.enable': '0',
      'static.auto_provision.pnp_enable': '0',
      'static.zero_touch.enable': '0',
      'static.wui.http_enable': '0',
      'local_time.ntp_server1': '10.77.0.1',
    })
    expect(settings.filter(([name]) => name === 'static.security.user_password').map(([, value]) => value)).toEqual([
      'admin:adminPasswordOfAda8',
      'user:userPasswordOfAda9',
    ])
  })

  test('fetches authority, certificate and key beside its file', () => {
    const settings = Object.fromEntries(own())
    expect(settings['static.trusted_certificates.url']).toBe(`${values.provisioningUrl}ca.pem`)
    expect(settings['static.server_certificates.url']).toBe(`${values.provisioningUrl}805ec0aabbcc.pem`)
    expect(settings['static.security.dev_cert']).toBe('1')
    expect(catalogue.render('yealink-t54w', 'ca.pem', values)).toEqual({
      contentType: 'application/x-pem-file',
      body: '-----BEGIN CERTIFICATE-----\nY2E=\n-----END CERTIFICATE-----\n',
    })
    expect(catalogue.render('yealink-t54w', '805ec0aabbcc.pem', values)!.body).toBe(
      '-----BEGIN CERTIFICATE-----\nYWRh\n-----END CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\na2V5\n-----END PRIVATE KEY-----\n',
    )
  })

  test('without certificates and time server is not sent to fetch any', () => {
    const nothing = { caCertificate: null, clientCertificate: null, timeServer: null }
    const names = own(nothing).map(([name]) => name)
    expect(names).not.toContain('static.trusted_certificates.url')
    expect(names).not.toContain('static.server_certificates.url')
    expect(names).not.toContain('local_time.ntp_server1')
    expect(catalogue.render('yealink-t54w', 'ca.pem', sampleValues(nothing))).toBeNull()
    expect(catalogue.render('yealink-t54w', '805ec0aabbcc.pem', sampleValues(nothing))).toBeNull()
  })

  test.each(withCommonFile)('of model %s gets a common file without a secret, which its own file repeats', (model) => {
    const name = catalogue.fileNames(model, values.mac)[0]!
    const common = parseYealink(catalogue.render(model, name, values)!.body)
    expect(common.map(([setting]) => setting)).toEqual(['static.trusted_certificates.url', 'local_time.ntp_server1'])
    const settings = Object.fromEntries(own())
    for (const [setting, value] of common) expect(settings[setting]).toBe(value)
  })

  test.each(models)('of model %s gets the same bytes again while nothing changed', async (model) => {
    const again = await loadCatalogue(templatesFolder)
    for (const name of catalogue.fileNames(model, values.mac)) {
      const first = catalogue.render(model, name, values)
      expect(first).not.toBeNull()
      expect(again.render(model, name, sampleValues())).toEqual(first)
    }
  })

  test('is offered G.722 first, then what every PBX has, and no second tunnel or remote management', () => {
    const settings = Object.fromEntries(own())
    const order = ['g722', 'pcma', 'pcmu'].map((codec) => settings[`account.1.codec.${codec}.priority`])
    expect(order).toEqual(['1', '2', '3'])
    expect(settings).toMatchObject({
      'static.network.vpn_enable': '0',
      'static.managementserver.enable': '0',
      'static.network.lldp.enable': '1',
    })
  })

  test('whose hardware id is not known gets no common file, and its own file is the same', () => {
    const without = models.filter((model) => !withCommonFile.includes(model))
    expect(without).toEqual([
      'yealink-t30',
      'yealink-t30p',
      'yealink-t31',
      'yealink-t31p',
      'yealink-t33p',
      'yealink-t41u',
      'yealink-t44u',
      'yealink-w80b',
      'yealink-w75b',
      'yealink-w75dm',
      'yealink-w80dm',
      'yealink-w90dm',
    ])
    expect(catalogue.render('yealink-t44u', '805ec0aabbcc.cfg', values)).toEqual(
      catalogue.render('yealink-t54w', '805ec0aabbcc.cfg', values),
    )
  })

  test('may ask for its file with its MAC in either case', () => {
    expect(catalogue.render('yealink-t54w', '805EC0AABBCC.cfg', values)).toEqual(
      catalogue.render('yealink-t54w', '805ec0aabbcc.cfg', values),
    )
  })

  test.each([
    ['desk', 'yealink-t54w'],
    ['dect', 'yealink-w70b'],
  ])('of the family %s gets the file that was looked at', async (family, model) => {
    const { body } = catalogue.render(model, '805ec0aabbcc.cfg', values)!
    expect(parseYealink(body).length).toBeGreaterThan(50)
    await expect(body).toMatchFileSnapshot(`golden/yealink-${family}.cfg`)
  })

  test('says each thing once, but for the two passwords', () => {
    const names = own()
      .map(([name]) => name)
      .filter((name) => name !== 'static.security.user_password')
    expect(names).toEqual([...new Set(names)])
  })
})

describe('a Yealink phone that was taken back', () => {
  const blanking = { mac: '805ec0aabbcc', filler: new Secret('randomFiller1') }

  test('is told to forget account, certificate and address', () => {
    const { contentType, body } = catalogue.renderBlanking('yealink-t54w', '805ec0aabbcc.cfg', blanking)!
    expect(contentType).toBe('text/plain; charset=utf-8')
    expect(Object.fromEntries(parseYealink(body))).toMatchObject({
      'account.1.enable': '0',
      'account.1.password': '%NULL%',
      'static.server_certificates.delete': 'http://localhost/all',
      'static.security.dev_cert': '0',
      'static.auto_provision.server.url': '%NULL%',
      'static.auto_provision.repeat.enable': '0',
    })
    expect(body.match(/randomFiller1/g)).toHaveLength(2)
  })

  test.each(models)('of model %s finds nothing of its owner in any file', (model) => {
    for (const name of catalogue.fileNames(model, blanking.mac)) {
      const file = catalogue.renderBlanking(model, name, blanking)
      if (name.endsWith('.pem')) expect(file).toBeNull()
      else for (const secret of sampleSecrets) expect(file!.body).not.toContain(secret)
    }
  })

  test.each(['yealink-t54w', 'yealink-w70b'])('of model %s has every identity and secret named', (model) => {
    const told = new Set(
      parseYealink(catalogue.renderBlanking(model, '805ec0aabbcc.cfg', blanking)!.body).map(([name]) => name),
    )
    const personal = parseYealink(catalogue.render(model, '805ec0aabbcc.cfg', values)!.body).filter(([, value]) =>
      sampleSecrets.some((secret) => value.includes(secret)),
    )
    expect(personal.length).toBeGreaterThan(8)
    for (const [name] of personal) expect(told).toContain(name)
  })
})
