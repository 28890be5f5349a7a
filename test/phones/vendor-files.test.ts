import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import { loadCatalogue } from '../../src/phones/catalogue.ts'
import { hostileName } from './hostile-names.ts'
import { sampleSecrets, sampleValues, templatesFolder } from './sample-values.ts'
import { settingsOf, type VendorFile, vendorFiles } from './vendor-file.ts'

const catalogue = await loadCatalogue(templatesFolder)
const filler = new Secret('randomFiller1')

function own(model: string, changes = {}): Readonly<Record<string, string>> {
  const files = vendorFiles.filter((file) => file.model === model)
  return Object.fromEntries(files.flatMap((file) => settingsOf(catalogue, file, valuesFor(file, changes))))
}

function valuesFor({ mac }: VendorFile, changes = {}) {
  return sampleValues({ mac, ...changes })
}

describe.each(vendorFiles)('$name of $model', (file) => {
  test('reads as it always did', async () => {
    const { body } = catalogue.render(file.model, file.name, valuesFor(file))!
    await expect(body).toMatchFileSnapshot(`golden/${file.golden}`)
  })

  test('has the same bytes while nothing changed, and says each thing once', async () => {
    const again = await loadCatalogue(templatesFolder)
    expect(again.render(file.model, file.name, valuesFor(file))).toEqual(
      catalogue.render(file.model, file.name, valuesFor(file)),
    )
    const names = settingsOf(catalogue, file, valuesFor(file)).map(([name]) => name)
    expect(names.filter((name) => !/^module(_app)?$/.test(name))).toEqual([
      ...new Set(names.filter((name) => !/^module(_app)?$/.test(name))),
    ])
  })

  test('takes any name as one value and lets it add or change nothing else', () => {
    const others = (name: string) =>
      settingsOf(catalogue, file, valuesFor(file, { displayName: name })).filter(([key]) => !file.nameIn.includes(key))
    const usual = others('Ada')
    fc.assert(
      fc.property(hostileName, (name) => {
        expect(others(name)).toEqual(usual)
      }),
      { numRuns: 150 },
    )
  })

  test('has nothing of its owner after offboarding, and names every setting that had', () => {
    const blank = catalogue.renderBlanking(file.model, file.name, { mac: file.mac, filler })!
    for (const secret of sampleSecrets) expect(blank.body).not.toContain(secret)
    const told = new Set(file.parse(blank.body).map(([name]) => name))
    const personal = settingsOf(catalogue, file, valuesFor(file)).filter(([, value]) =>
      ['1001', 'Ada', 'sipSecretOfAda7', 'pbx.example.com'].some((trace) => value.includes(trace)),
    )
    // What an app keeps in a file of its own is not fetched again: there is nothing to name.
    if (catalogue.model(file.model)!.capabilities.blanking) {
      expect(personal.length).toBeGreaterThan(4)
      for (const [name] of personal) expect(told).toContain(name)
    }
  })
})

describe('a Poly phone', () => {
  test('is sent to its own file by the master file, which holds nothing of anybody', () => {
    const names = catalogue.fileNames('poly-vvx450', '0004f2aabbcc')
    expect(names).toEqual(['0004f2aabbcc.cfg', '000000000000.cfg', '0004f2aabbcc-user.cfg'])
    for (const name of names.slice(0, 2)) {
      const { body } = catalogue.render('poly-vvx450', name, sampleValues({ mac: '0004f2aabbcc' }))!
      expect(body).toContain('CONFIG_FILES="[PHONE_MAC_ADDRESS]-user.cfg"')
      for (const secret of sampleSecrets) expect(body).not.toContain(secret)
    }
  })

  test('speaks TLS and encrypted speech only, checks names, and trusts our authority for the PBX alone', () => {
    expect(own('poly-vvx450')).toMatchObject({
      'reg.1.address': '1001@pbx.example.com',
      'reg.1.auth.userId': '1001-k3f9',
      'reg.1.server.1.transport': 'TLS',
      'reg.1.server.1.port': '5062',
      'sec.srtp.require': '1',
      'sec.TLS.SIP.strictCertCommonNameValidation': '1',
      'sec.TLS.profileSelection.SIP': 'PlatformProfile2',
      'device.sec.TLS.customCaCert2': '-----BEGIN CERTIFICATE-----\nY2E=\n-----END CERTIFICATE-----',
      'device.prov.serverType': '3',
      'device.prov.serverName': 'phones.example.com/p/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/',
      'device.auth.localAdminPassword': 'adminPasswordOfAda8',
      'httpd.enabled': '0',
      'diags.telnetd.enabled': '0',
    })
  })

  test('sets each device setting together with the word that makes it count', () => {
    const settings = own('poly-vvx450')
    const device = Object.keys(settings).filter((name) => name.startsWith('device.') && name !== 'device.set')
    for (const name of device.filter((candidate) => !candidate.endsWith('.set')))
      expect(settings[`${name}.set`], name).toBe('1')
  })

  test('without an authority of ours keeps trusting the well-known ones', () => {
    const names = Object.keys(own('poly-vvx450', { caCertificate: null }))
    expect(names.filter((name) => /customCaCert|profileSelection|caCertList/.test(name))).toEqual([])
  })
})

describe('a Mitel phone', () => {
  test('speaks TLS over one connection and encrypted speech only, and shows its certificate', () => {
    expect(own('mitel-6930')).toMatchObject({
      'sip transport protocol': '4',
      'sips persistent tls': '1',
      'sips trusted certificates': 'ca.pem',
      'sips local certificate': '08000FAABBCC.pem',
      'sips private key': '08000FAABBCC.key',
      'sip srtp mode': '2',
      'sip line1 srtp mode': '2',
      'sip line1 auth name': '1001-k3f9',
      'sip line1 registrar port': '5062',
      'https server': 'phones.example.com',
      'https port': '443',
      'https path': 'p/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
      'https validate hostname': '1',
      'web interface enabled': '0',
    })
  })

  test('gets its certificate and its key in files of their own', () => {
    const values = sampleValues({ mac: '08000faabbcc' })
    const body = (name: string) => catalogue.render('mitel-6930', name, values)?.body
    expect(catalogue.fileNames('mitel-6930', '08000faabbcc')).toEqual([
      'startup.cfg',
      'aastra.cfg',
      '08000FAABBCC.cfg',
      'ca.pem',
      '08000FAABBCC.pem',
      '08000FAABBCC.key',
    ])
    expect(body('08000FAABBCC.pem')).toBe('-----BEGIN CERTIFICATE-----\nYWRh\n-----END CERTIFICATE-----\n')
    expect(body('08000FAABBCC.key')).toBe('-----BEGIN PRIVATE KEY-----\na2V5\n-----END PRIVATE KEY-----\n')
    expect(body('startup.cfg')).toBe(body('aastra.cfg'))
    for (const secret of sampleSecrets.filter((candidate) => candidate !== 'AAAAAAAA'))
      expect(body('startup.cfg')).not.toContain(secret)
  })

  test('has passwords of nine digits that follow from the usual ones', () => {
    const settings = own('mitel-6930')
    expect(settings['admin password']).toMatch(/^[1-9]\d{8}$/)
    expect(settings['user password']).toMatch(/^[1-9]\d{8}$/)
    expect(settings['admin password']).not.toBe(settings['user password'])
    expect(own('mitel-6930')['admin password']).toBe(settings['admin password'])
    expect(own('mitel-6930', { phoneAdminPassword: new Secret('another') })['admin password']).not.toBe(
      settings['admin password'],
    )
  })

  test('without certificates is not sent to fetch any', () => {
    const settings = own('mitel-6930', { caCertificate: null, clientCertificate: null, timeServer: null })
    expect(
      Object.keys(settings).filter((name) => /certificates$|certificate$|private key|time server/.test(name)),
    ).toEqual(['https validate certificates'])
  })
})

describe('a Cisco multiplatform phone', () => {
  test('speaks TLS, refuses calls that are not secure, and checks the name of the server', () => {
    expect(own('cisco-8851')).toMatchObject({
      SIP_Transport_1_: 'TLS',
      Secure_Call_Serv: 'Yes',
      Secure_Call_Option_1_: 'Required',
      TLS_Name_Validate_1_: 'Yes',
      TLS_Client_Min_Version: 'TLS 1.2',
      Proxy_1_: 'pbx.example.com:5062',
      User_ID_1_: '1001',
      Auth_ID_1_: '1001-k3f9',
      Password_1_: 'sipSecretOfAda7',
      Profile_Rule: 'https://phones.example.com/p/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/$MA.xml',
      Custom_CA_Rule: 'https://phones.example.com/p/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/ca.pem',
      Enable_Web_Server: 'No',
      Block_Nonproxy_SIP: 'Yes',
    })
    expect(catalogue.model('cisco-8851')?.capabilities).toMatchObject({
      clientCertificate: 'none',
      resyncEvent: 'resync',
    })
  })
})

describe('an experimental model', () => {
  const experiments = [
    'gigaset-n670',
    'gigaset-n870',
    'htek-uc926',
    'audiocodes-445hd',
    'gswave-mobile',
    'acrobits-groundwire',
  ]

  test.each(experiments)(
    '%s says so in its name, its notes and its warnings, and forces nothing that is not sure',
    (id) => {
      const model = catalogue.model(id)!
      expect(model.name).toMatch(/\(experimental\)$/)
      expect(model.notes[0]).toMatch(/^Experimental: /)
      expect(model.warnings[0]).toContain('Experimental: ')
      expect(model.capabilities.clientCertificate).toBe('none')
      if (id !== 'gswave-mobile') expect(model.capabilities.srtpForced).toBe(false)
    },
  )

  test('is nobody else', () => {
    const marked = catalogue.models.filter(({ name }) => name.endsWith('(experimental)')).map(({ vendor }) => vendor)
    expect([...new Set(marked)].sort()).toEqual(['acrobits', 'audiocodes', 'gigaset', 'gswave', 'htek'])
  })

  test('asks for TLS and for encrypted speech all the same', () => {
    expect(own('gigaset-n670')).toMatchObject({
      'SipProvider.0.TransportProtocol': '3',
      'SipProvider.0.SRTP_Enabled': '1',
      'SipProvider.0.AcceptNonSRTPCalls': '0',
    })
    expect(own('htek-uc926')).toMatchObject({ P130: '2', P183: '2', P212: '3', P47: 'pbx.example.com:5062' })
    expect(own('audiocodes-445hd')).toMatchObject({
      'voip/signalling/sip/transport_protocol': 'TLS',
      'voip/signalling/sip/proxy_port': '5062',
      'voip/media/srtp/mode': 'REQUIREENCRYPTION',
      'voip/line/0/auth_name': '1001-k3f9',
      'provisioning/method': 'STATIC',
      'security/provisioning/verify_server_certificate': '1',
      'management/telnet/enabled': '0',
      'system/web/enabled': '0',
    })
    expect(own('gswave-mobile')).toMatchObject({ P130: '2', P183: '2', P2311: '1', P36: '1001-k3f9' })
    expect(own('acrobits-groundwire')).toMatchObject({
      transport: 'tls+sip:',
      sdesIncoming: 'required',
      sdesOutgoing: 'required',
    })
  })
})

describe('a softphone', () => {
  test('baresip registers over TLS, refuses calls without encryption, and shows its certificate', () => {
    expect(own('baresip-linux')).toMatchObject({
      address: 'sip:1001@pbx.example.com:5062',
      transport: 'tls',
      auth_user: '1001-k3f9',
      auth_pass: 'sipSecretOfAda7',
      mediaenc: 'srtp-mand',
      regint: '600',
      sip_certificate: 'client.pem',
      sip_cafile: 'ca.pem',
      sip_verify_server: 'yes',
    })
    expect(own('baresip-linux', { caCertificate: null }).sip_cafile).toBe('/etc/ssl/certs/ca-certificates.crt')
  })

  test('MicroSIP speaks TLS and refuses calls without encryption, and its weakness is a warning', () => {
    expect(own('microsip-windows')).toMatchObject({
      'Settings/accountId': '1',
      'Account1/server': 'pbx.example.com:5062',
      'Account1/authID': '1001-k3f9',
      'Account1/password': 'sipSecretOfAda7',
      'Account1/SRTP': 'mandatory',
      'Account1/transport': 'tls',
    })
    expect(catalogue.model('microsip-windows')!.warnings.join()).toMatch(/does not check the certificate/)
  })

  test('whose maker could hold the password says so when it is handed out', () => {
    expect(catalogue.model('acrobits-groundwire')!.warnings.join()).toMatch(/push notifications on/)
  })

  test.each(catalogue.models.filter(({ kind }) => kind === 'softphone'))(
    '$id tells its user how to set it up',
    (model) => {
      expect(model.signIn!.words.length).toBeGreaterThan(0)
    },
  )

  test('a desk phone has no such words', () => {
    expect(catalogue.models.filter(({ kind, signIn }) => kind !== 'softphone' && signIn)).toEqual([])
  })
})
