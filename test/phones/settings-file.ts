/** One file of each family, with everything in it that a setting can say. */
import { loadCatalogue } from '../../src/phones/catalogue.ts'
import type { Settings } from './line-files.ts'
import { parseLinphone } from './linphone-file.ts'
import { sampleValues, templatesFolder } from './sample-values.ts'
import { vendorFiles } from './vendor-file.ts'
import { parseXmlSettings } from './xml-settings.ts'
import { parseYealink } from './yealink-file.ts'

export const catalogue = await loadCatalogue(templatesFolder)

export const xml = (body: string): Settings =>
  parseXmlSettings(body).map(({ name, attributes, value }) => [
    attributes.idx ? `${name} ${attributes.idx}` : name,
    value,
  ])

export interface File {
  readonly model: string
  readonly mac: string | null
  readonly name: string
  readonly golden: string
  readonly parse: (body: string) => Settings
}

export const files: readonly File[] = [
  {
    model: 'yealink-t54w',
    mac: '805ec0aabbcc',
    name: '805ec0aabbcc.cfg',
    golden: 'yealink-desk.cfg',
    parse: parseYealink,
  },
  {
    model: 'yealink-w70b',
    mac: '805ec0aabbcc',
    name: '805ec0aabbcc.cfg',
    golden: 'yealink-dect.cfg',
    parse: parseYealink,
  },
  {
    model: 'grandstream-grp2614',
    mac: 'c074adaabbcc',
    name: 'cfgc074adaabbcc.xml',
    golden: 'grandstream.xml',
    parse: xml,
  },
  { model: 'snom-d785', mac: '000413aabbcc', name: '000413aabbcc.xml', golden: 'snom.xml', parse: xml },
  { model: 'fanvil-x5u', mac: '0c383eaabbcc', name: '0c383eaabbcc.cfg', golden: 'fanvil.xml', parse: xml },
  { model: 'linphone-desktop', mac: null, name: 'linphone.xml', golden: 'linphone.xml', parse: parseLinphone },
  ...vendorFiles.filter(({ name }) => name !== 'accounts'),
]

/** Lines that each of the formats takes, with a value that would be noticed. */
export const ownLines: Readonly<Record<string, string>> = {
  yealink: '# of our own\nfeatures.dnd.allow = OWN',
  mitel: '# of our own\nemergency dial plan: OWN',
  grandstream: '    <P4567>OWN</P4567>',
  htek: '    <P4567 para="OfOurOwn">OWN</P4567>',
  snom: '    <setting_of_our_own perm="R">OWN</setting_of_our_own>',
  fanvil: '  <ownPart>\n    <Own>OWN</Own>\n  </ownPart>',
  linphone: '  <section name="ui">\n    <entry name="own" overwrite="true">OWN</entry>\n  </section>',
  poly: '    own.setting.ours="OWN"',
  cisco: '  <Own_Setting ua="na">OWN</Own_Setting>',
  gigaset: '    <param name="Own.0.Setting" value="OWN"/>',
  gswave: '    <P4567>OWN</P4567>',
  acrobits: '  <own>OWN</own>',
  microsip: 'minimized=OWN',
  audiocodes: '; of our own\nvoip/own/setting=OWN',
  baresip: 'call_max_calls OWN',
}

export const everything = {
  timezone: 'Europe/Berlin',
  language: 'de',
  label: 'Front desk',
  voicemail: '*97',
  vlan: '66',
  firmware: 'https://firmware.example.com/pinned/image.rom',
  pollMinutes: '120',
  emergencyNote: 'Hauptstr. 5, Hinterhaus',
}

export function render(file: File, settings: Readonly<Record<string, string>>): string {
  return catalogue.render(file.model, file.name, sampleValues({ mac: file.mac, settings }))!.body
}

export function vendorOf({ model }: File): string {
  return catalogue.model(model)!.vendor
}
