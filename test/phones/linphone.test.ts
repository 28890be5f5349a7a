import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import { loadCatalogue } from '../../src/phones/catalogue.ts'
import { parseLinphone } from './linphone-file.ts'
import { sampleSecrets, sampleValues, templatesFolder } from './sample-values.ts'

const catalogue = await loadCatalogue(templatesFolder)
const values = sampleValues({ mac: null })

describe.each(['linphone-mobile', 'linphone-desktop'])('%s', (model) => {
  const file = catalogue.render(model, 'linphone.xml', values)!
  const settings = Object.fromEntries(parseLinphone(file.body))

  test('gets its account with TLS, forced encryption and server checks', () => {
    expect(file.contentType).toBe('application/xml; charset=utf-8')
    expect(settings).toMatchObject({
      'proxy_0/reg_proxy': '<sip:pbx.example.com:5062;transport=tls>',
      'proxy_0/reg_identity': '"Ada Lovelace" <sip:1001@pbx.example.com>',
      'proxy_0/reg_expires': '600',
      'proxy_0/push_notification_allowed': '0',
      'sip/media_encryption': 'srtp',
      'sip/media_encryption_mandatory': '1',
      'sip/verify_server_certs': '1',
      'sip/verify_server_cn': '1',
    })
  })

  test('gets the digest of its secret and never the secret', () => {
    expect(settings['auth_info_0/ha1']).toBe(
      createHash('md5').update('1001-k3f9:ringfence:sipSecretOfAda7').digest('hex'),
    )
    expect(settings['auth_info_0/passwd']).toBe('')
    expect(settings['auth_info_0/realm']).toBe('ringfence')
    expect(settings['proxy_0/realm']).toBe('ringfence')
    expect(file.body).not.toContain('sipSecretOfAda7')
  })

  test('is sent to its steady address, and a certificate put in by hand stays', () => {
    expect(settings['misc/config-uri']).toBe(`${values.provisioningUrl}linphone.xml`)
    expect(Object.keys(settings).filter((name) => name.includes('client_cert'))).toEqual([])
  })

  test('gets the same bytes again while nothing changed', () => {
    expect(catalogue.render(model, 'linphone.xml', sampleValues({ mac: null }))).toEqual(file)
  })

  test('is blanked without a word of its owner, and goes on asking', () => {
    const blank = catalogue.renderBlanking(model, 'linphone.xml', { mac: null, filler: new Secret('unused') })!
    const blanked = Object.fromEntries(parseLinphone(blank.body))
    for (const secret of [...sampleSecrets, 'unused']) expect(blank.body).not.toContain(secret)
    expect(blanked['misc/config-uri']).toBeUndefined()
    expect(blanked['proxy_0/reg_sendregister']).toBe('0')
    const personal = Object.entries(settings).filter(
      ([name, value]) =>
        name !== 'misc/config-uri' &&
        (name === 'auth_info_0/ha1' || sampleSecrets.some((secret) => value.includes(secret))),
    )
    expect(personal.length).toBeGreaterThan(5)
    for (const [name] of personal) expect(blanked[name], name).toBe('')
  })
})
