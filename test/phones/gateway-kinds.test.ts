import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import { loadCatalogue } from '../../src/phones/catalogue.ts'
import { readGateways } from '../../src/phones/manifest.ts'
import type { GatewayScriptValues } from '../../src/phones/phone-port.ts'
import { parametersOfScript } from './gateway-parameters.ts'
import { anotherPresharedKey, gatewayValues, scriptKinds } from './gateway-values.ts'
import { templatesFolder } from './sample-values.ts'

const catalogue = await loadCatalogue(templatesFolder)
const manifests = await readGateways(templatesFolder)
const gateways = catalogue.models.filter(({ kind }) => kind === 'gateway').map(({ id }) => id)

describe('every kind of home gateway', () => {
  test('is one of these', () => {
    expect(gateways).toEqual([...scriptKinds, 'gateway-plain'])
    expect(scriptKinds.map((id) => catalogue.gateway(id)?.scriptExtension)).toEqual(['rsc', 'sh', 'sh'])
    for (const id of scriptKinds) expect(catalogue.gateway(id)?.key, id).toBe('device')
    expect(catalogue.gateway('gateway-plain')).toEqual({ key: 'server', scriptExtension: null })
  })

  test.each(gateways)('%s: its page names every phone with its address, and each network', (id) => {
    const page = catalogue.gatewayInstructions(id, gatewayValues())!
    expect(openElements(page)).toEqual([])
    expect(tableRows(page)).toEqual(
      expect.arrayContaining([
        ['yealink-t54w', '00:15:65:a1:b2:c3', '10.78.0.18'],
        ['grandstream-grp2614', '00:0b:82:a1:b2:c4', '10.78.0.19'],
      ]),
    )
    for (const word of ['10.78.0.16/28', '10.78.0.17', 'pbx.example.com', 'phones.example.com'])
      expect(page).toContain(word)
    expect(page).not.toMatch(/cHNrcHNr|KeyToken/)
  })

  test('the sheet for other routers has all that a script would set', () => {
    const rows = tableRows(catalogue.gatewayInstructions('gateway-plain', gatewayValues())!)
    expect(rows).toEqual(
      expect.arrayContaining([
        ['66 and 160 (settings)', 'text', 'https://phones.example.com:8443/p/DoorTokenOfTheGateway/'],
        ['42 (time)', 'address', '10.91.0.3'],
        ['3 (router) and 6 (DNS)', 'address', '10.78.0.17'],
        ['pbx.example.com', '10.91.0.2'],
        ['phones.example.com', '203.0.113.5'],
        ['phone network', 'time server 10.91.0.3, through the tunnel', 'UDP 123'],
      ]),
    )
    const door = rows.find(([from, to]) => from === 'phone network' && to?.startsWith('phone door'))
    expect(door).toEqual([
      'phone network',
      "phone door 203.0.113.5, 203.0.113.6, over the Internet with the home's own address (NAT)",
      'TCP 8443',
    ])
  })

  test('with an edge in front of the PBX, calls are set up there and speech goes to the PBX, for every kind', () => {
    const { pbx } = gatewayValues()
    const values = gatewayValues({ pbx: { ...pbx, sipAddress: '10.92.0.9' } })
    for (const id of scriptKinds) {
      const script = catalogue.gatewayScript(id, values)!
      const calls = script.split('\n').filter((line) => /5061[ ,]+5062/.test(line))
      expect(calls, id).toHaveLength(1)
      const allowed = id === 'gateway-openwrt' ? script : calls[0]!
      expect(allowed, id).toMatch(id === 'gateway-openwrt' ? /rf_sip\.dest_ip='10\.92\.0\.9'/ : /10\.92\.0\.9/)
      // Answers find their way back from both.
      for (const from of ['10.91.0.2', '10.92.0.9'])
        expect(script, id).toMatch(new RegExp(`(saddr |src_ip='|src-address=)${from.replaceAll('.', '[.]')}`))
    }
    expect(tableRows(catalogue.gatewayInstructions('gateway-plain', values)!)).toEqual(
      expect.arrayContaining([
        ['phone network', 'SIP edge 10.92.0.9, through the tunnel', 'TCP 5061, 5062 (calls)'],
        ['phone network', 'PBX 10.91.0.2, through the tunnel', 'UDP 10000 to 20000 (speech)'],
      ]),
    )
  })

  test('the sheet can be printed while there is no PBX and the door has no address', () => {
    const { pbx, door } = gatewayValues()
    const nothing = { pbx: { ...pbx, address: null }, door: { ...door, addresses: [] }, timeServer: null }
    for (const id of gateways) {
      const page = catalogue.gatewayInstructions(id, gatewayValues(nothing))!
      expect(openElements(page), id).toEqual([])
      expect(page).not.toContain('42 (time)')
    }
  })

  test.each(manifests.filter(({ manifest }) => manifest.script).map(({ id, manifest }) => [id, manifest] as const))(
    '%s: every option that its script sets stands in its manifest with a source, and none stands there in vain',
    (id, manifest) => {
      const script = catalogue.gatewayScript(`gateway-${id}`, gatewayValues())!
      const used = parametersOfScript(manifest.script!.extension, script)
      expect(used.size).toBeGreaterThan(20)
      expect([...used].sort()).toEqual(manifest.parameters.map(({ name }) => name).sort())
    },
  )

  test.each(scriptKinds)('%s: the same values give the same script, byte for byte', (id) => {
    expect(catalogue.gatewayScript(id, gatewayValues())).toBe(catalogue.gatewayScript(id, gatewayValues()))
  })

  test.each(scriptKinds)('%s: a value that could be more than a value gives no script at all', (id) => {
    const { door, pbx, reservations } = gatewayValues()
    const places: ((text: string) => Partial<GatewayScriptValues>)[] = [
      (text) => ({ presharedKey: new Secret(text) }),
      (text) => ({ keyUrl: new Secret(text) }),
      (text) => ({ hubPublicKey: text }),
      (text) => ({ door: { ...door, phonesUrl: new Secret(text) } }),
      (text) => ({ door: { ...door, host: text } }),
      (text) => ({ pbx: { ...pbx, host: text } }),
      (text) => ({ reservations: [{ ...reservations[0]!, mac: text }] }),
      (text) => ({ reservations: [{ ...reservations[0]!, address: text }] }),
    ]
    const hostile = fc.stringMatching(/^[a-z0-9]{0,5}[ '"`$\\;|&<>(){}\n\r\t#%!*?~,^\u00e9\u2028][ -~]{0,12}$/)
    fc.assert(
      fc.property(hostile, fc.constantFrom(...places), (text, place) => {
        expect(() => catalogue.gatewayScript(id, gatewayValues(place(text)))).toThrow(
          expect.objectContaining({ code: 'TEMPLATE_INVALID' }),
        )
      }),
    )
  })

  test('an IPv6 address is left out of a script, whose phone network has none', () => {
    const { door } = gatewayValues()
    const mixed = gatewayValues({
      tunnelAddresses: ['10.77.0.40/32', 'fd77::40/128'],
      allowedIps: ['10.91.0.2/32', 'fd77::1/128'],
      door: { ...door, addresses: ['203.0.113.5', '2001:db8::5'] },
    })
    for (const id of scriptKinds) expect(catalogue.gatewayScript(id, mixed), id).not.toMatch(/fd77|2001:db8/)
    expect(catalogue.gatewayInstructions('gateway-plain', mixed)).toContain('fd77::40/128')
  })

  test('a hub, PBX or door known by address only needs no name', () => {
    const { door, pbx } = gatewayValues()
    const bare = gatewayValues({
      hubEndpoint: '[2001:db8::1]:51820',
      presharedKey: anotherPresharedKey,
      door: { ...door, host: '203.0.113.5' },
      pbx: { ...pbx, host: '10.91.0.2' },
    })
    expect(catalogue.gatewayScript('gateway-networkd', bare)).not.toContain('host-record')
    expect(catalogue.gatewayScript('gateway-openwrt', bare)).toContain("endpoint_host='2001:db8::1'")
    expect(catalogue.gatewayScript('gateway-networkd', bare)).toContain('Endpoint=[2001:db8::1]:51820')
  })
})

/** What was opened and not closed, or closed and not opened. */
function openElements(html: string): readonly string[] {
  const open: string[] = []
  for (const [, slash, name] of html.matchAll(/<(\/?)([a-z0-9]+)[^>]*>/g)) {
    if (!slash) open.push(name!)
    else if (open.at(-1) === name) open.pop()
    else open.push(`/${name}`)
  }
  return open
}

function tableRows(html: string): readonly (readonly string[])[] {
  return [...html.matchAll(/<tr>([\s\S]*?)<\/tr>/g)].map(([, row]) =>
    [...row!.matchAll(/<t[dh][^>]*>([\s\S]*?)<\/t[dh]>/g)].map(([, cell]) =>
      cell!
        .replace(/<[^>]+>/g, '')
        .replaceAll('&#39;', "'")
        .replace(/\s+/g, ' ')
        .trim(),
    ),
  )
}
