import type { Catalogue, FileValues } from '../../src/phones/phone-port.ts'
import { parsePoly } from './attribute-file.ts'
import {
  parseAudioCodes,
  parseBaresipAccounts,
  parseBaresipConfig,
  parseIni,
  parseMitel,
  type Settings,
} from './line-files.ts'
import { parseXmlSettings } from './xml-settings.ts'

/** One model of each kind of file that this table knows, its own file, and how that file is read. */
export interface VendorFile {
  readonly model: string
  readonly mac: string | null
  /** The file with the account in it. */
  readonly name: string
  readonly golden: string
  readonly parse: (body: string) => Settings
  /** Every setting that carries the name of the person. */
  readonly nameIn: readonly string[]
}

const xml = (body: string): Settings =>
  parseXmlSettings(body).map(({ name, attributes, value }) => [
    attributes.name ?? name.replace(/^(?:flat-profile|hl_provision|account)\//, ''),
    attributes.value ?? value,
  ])

export const vendorFiles: readonly VendorFile[] = [
  {
    model: 'poly-vvx450',
    mac: '0004f2aabbcc',
    name: '0004f2aabbcc-user.cfg',
    golden: 'poly.cfg',
    parse: (body) => Object.entries(parsePoly(body)),
    nameIn: ['reg.1.displayName'],
  },
  {
    model: 'mitel-6930',
    mac: '08000faabbcc',
    name: '08000FAABBCC.cfg',
    golden: 'mitel.cfg',
    parse: parseMitel,
    nameIn: ['sip line1 display name', 'sip line1 screen name'],
  },
  {
    model: 'cisco-8851',
    mac: '00deadaabbcc',
    name: '00deadaabbcc.xml',
    golden: 'cisco.xml',
    parse: xml,
    nameIn: ['Station_Name', 'Display_Name_1_'],
  },
  {
    model: 'gigaset-n670',
    mac: '7c2f80aabbcc',
    name: '7c2f80aabbcc.xml',
    golden: 'gigaset.xml',
    parse: xml,
    nameIn: ['SipAccount.00001.DisplayName'],
  },
  {
    model: 'htek-uc926',
    mac: '001fc1aabbcc',
    name: 'cfg001fc1aabbcc.xml',
    golden: 'htek.xml',
    parse: xml,
    nameIn: ['P3'],
  },
  {
    model: 'audiocodes-445hd',
    mac: '00908faabbcc',
    name: '00908FAABBCC.cfg',
    golden: 'audiocodes.cfg',
    parse: parseAudioCodes,
    nameIn: ['voip/line/0/description'],
  },
  {
    model: 'baresip-linux',
    mac: null,
    name: 'accounts',
    golden: 'baresip-accounts',
    parse: (body) => parseBaresipAccounts(body).flat(),
    nameIn: [],
  },
  {
    model: 'baresip-linux',
    mac: null,
    name: 'config',
    golden: 'baresip-config',
    parse: parseBaresipConfig,
    nameIn: [],
  },
  {
    model: 'microsip-windows',
    mac: null,
    name: 'MicroSIP.ini',
    golden: 'microsip.ini',
    parse: parseIni,
    nameIn: ['Account1/displayName'],
  },
  { model: 'gswave-mobile', mac: null, name: 'gswave.xml', golden: 'gswave.xml', parse: xml, nameIn: ['P3'] },
  {
    model: 'acrobits-groundwire',
    mac: null,
    name: 'account.xml',
    golden: 'acrobits.xml',
    parse: xml,
    nameIn: ['userDisplayName'],
  },
]

export function settingsOf(catalogue: Catalogue, { model, name, parse }: VendorFile, values: FileValues): Settings {
  return parse(catalogue.render(model, name, values)!.body)
}
