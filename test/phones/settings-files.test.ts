import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parsePhoneSetting } from '../../src/domain/phone-setting-value.ts'
import { Secret } from '../../src/domain/secret.ts'
import { loadCatalogue } from '../../src/phones/catalogue.ts'
import { hostileName } from './hostile-names.ts'
import type { Settings } from './line-files.ts'
import { parseLinphone } from './linphone-file.ts'
import { sampleSecrets, sampleValues, templatesFolder } from './sample-values.ts'
import { vendorFiles } from './vendor-file.ts'
import { parseXmlSettings } from './xml-settings.ts'
import { parseYealink } from './yealink-file.ts'

const catalogue = await loadCatalogue(templatesFolder)

const xml = (body: string): Settings =>
  parseXmlSettings(body).map(({ name, attributes, value }) => [
    attributes.idx ? `${name} ${attributes.idx}` : name,
    value,
  ])

interface File {
  readonly model: string
  readonly mac: string | null
  readonly name: string
  readonly golden: string
  readonly parse: (body: string) => Settings
}

const files: readonly File[] = [
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
const ownLines: Readonly<Record<string, string>> = {
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

const everything = {
  timezone: 'Europe/Berlin',
  language: 'de',
  label: 'Front desk',
  voicemail: '*97',
  vlan: '66',
  firmware: 'https://firmware.example.com/pinned/image.rom',
  pollMinutes: '120',
  emergencyNote: 'Hauptstr. 5, Hinterhaus',
}

function render(file: File, settings: Readonly<Record<string, string>>): string {
  return catalogue.render(file.model, file.name, sampleValues({ mac: file.mac, settings }))!.body
}

function vendorOf({ model }: File): string {
  return catalogue.model(model)!.vendor
}

describe.each(files)('$name of $model', (file) => {
  test('with everything set reads as it was looked at, and parses', async () => {
    const body = render(file, { ...everything, extraLines: ownLines[vendorOf(file)]! })
    expect(file.parse(body).length).toBeGreaterThan(4)
    await expect(body).toMatchFileSnapshot(`golden/settings/${file.golden}`)
  })

  test('has no word of its owner left after offboarding that was set for the handset', () => {
    const told = new Set(
      file
        .parse(
          catalogue.renderBlanking(file.model, file.name, { mac: file.mac, filler: new Secret('randomFiller1') })!.body,
        )
        .map(([name]) => name),
    )
    const personal = file
      .parse(render(file, everything))
      .filter(([name, value]) => /\*97|Front desk|1001/.test(value) && name !== 'dkey_retrieve')
    if (catalogue.model(file.model)!.capabilities.blanking)
      for (const [name] of personal) expect(told, name).toContain(name)
  })

  test('has the same bytes each time, whatever the order in which they were set', () => {
    const turned = Object.fromEntries(Object.entries(everything).reverse())
    expect(render(file, turned)).toBe(render(file, everything))
  })

  test('takes any label, place and number as text, and they change nothing else', () => {
    const names = (body: string) => file.parse(body).map(([name]) => name)
    const usual = names(render(file, { label: 'x', emergencyNote: 'y', voicemail: '1' }))
    fc.assert(
      fc.property(hostileName, hostileName, (label, emergencyNote) => {
        const kept = [
          parsePhoneSetting('site', 'label', label),
          parsePhoneSetting('site', 'emergencyNote', emergencyNote),
        ]
        const [one, other] = kept.map((parsed) => (parsed.ok ? parsed.value : 'x'))
        // What the parser lets through, and what somebody wrote into the database past it.
        for (const settings of [
          { label: one!, emergencyNote: other!, voicemail: '1' },
          { label: label || 'x', emergencyNote, voicemail: '1' },
        ])
          expect(names(render(file, settings))).toEqual(usual)
      }),
      { numRuns: 60 },
    )
  })

  test('ends with the lines of an admin, as they were typed', () => {
    const lines = ownLines[vendorOf(file)]!
    expect(catalogue.extraLinesProblem(file.model, lines)).toBeNull()
    const added = file.parse(render(file, { extraLines: lines })).slice(file.parse(render(file, {})).length)
    expect(added.length + (file.model.startsWith('poly') ? 1 : 0)).toBeGreaterThan(0)
    expect(render(file, { extraLines: lines })).toContain(`\n${lines}\n`)
  })

  test('prints no secret into the lines of an admin, who wrote text and no template', () => {
    for (const attempt of [
      '{{ sip.secret }}',
      '{% for x in sip %}{{ x }}{% endfor %}',
      '{{ phoneAdminPassword | append: "" }}',
    ]) {
      const lines = ownLines[vendorOf(file)]!.replace('OWN', () => attempt)
      expect(lines).toContain(attempt)
      expect(render(file, { extraLines: lines })).toContain(attempt)
    }
  })

  test('whose lines break the file are refused before anything is written', () => {
    const problem = (lines: string) => catalogue.extraLinesProblem(file.model, lines)
    for (const lines of [
      '</config>',
      '<a>',
      '<a b=c/>',
      'justaword',
      '<!-- ',
      ']]><b/>',
      '<!DOCTYPE x>',
      '<![CDATA[x]]>',
      '& ',
      'include:config "http://x"',
      '#!version:1.0.0.1\n<',
    ])
      expect([lines, problem(lines)]).toEqual([lines, expect.stringMatching(/./)])
  })

  test('keeps every secret where it was, whatever lines are let through', () => {
    const secrets = (body: string) => sampleSecrets.slice(0, 4).map((secret) => body.split(secret).length)
    const lines = ownLines[vendorOf(file)]!
    const usual = secrets(render(file, { extraLines: lines }))
    fc.assert(
      fc.property(hostileName, (text) => {
        const attempt = parsePhoneSetting('model', 'extraLines', `${lines}\n${text}`)
        if (!attempt.ok || catalogue.extraLinesProblem(file.model, attempt.value) !== null) return
        const body = render(file, { extraLines: attempt.value })
        // Well-formed still, by a reader that is not the one that let it through.
        expect(() => file.parse(body.replace(attempt.value, ''))).not.toThrow()
        expect(secrets(body)).toEqual(usual)
      }),
      { numRuns: 60 },
    )
  })
})

describe('a clock that is turned', () => {
  const of = (model: string, timezone: string) => {
    const file = files.find((candidate) => candidate.model === model)!
    return Object.fromEntries(file.parse(render(file, { timezone })))
  }

  test('is told to each phone in its own words: Berlin', () => {
    expect(of('yealink-t54w', 'Europe/Berlin')).toMatchObject({
      'local_time.time_zone': '+1',
      'local_time.summer_time': '1',
      'local_time.start_time': '3/5/7/2',
      'local_time.end_time': '10/5/7/3',
    })
    expect(of('grandstream-grp2614', 'Europe/Berlin').P246).toBe('LST-1LDT-2,M3.5.0/02:00:00,M10.5.0/03:00:00')
    expect(of('snom-d785', 'Europe/Berlin').timezone).toBe('GER+1')
    expect(of('fanvil-x5u', 'Europe/Berlin')).toMatchObject({
      'phone/date/TimeZone': '4',
      'phone/date/TimeZoneName': 'UTC+1',
    })
    expect(of('mitel-6930', 'Europe/Berlin')).toMatchObject({
      'time zone minutes': '-60',
      'dst start week': '-1',
      'dst end day': '1',
    })
    expect(of('poly-vvx450', 'Europe/Berlin')).toMatchObject({
      'tcpIpApp.sntp.gmtOffset': '3600',
      'tcpIpApp.sntp.daylightSavings.stop.dayOfWeek.lastInMonth': '1',
    })
    expect(of('cisco-8851', 'Europe/Berlin')).toMatchObject({
      Time_Zone: 'GMT+01:00',
      Daylight_Saving_Time_Rule: 'start=3/-1/7/2:0:0;end=10/-1/7/3:0:0;save=1:0:0',
    })
  })

  test('and New York, whose clocks turn on the second and the first Sunday', () => {
    expect(of('yealink-t54w', 'America/New_York')).toMatchObject({
      'local_time.time_zone': '-5',
      'local_time.start_time': '3/2/7/2',
      'local_time.end_time': '11/1/7/2',
    })
    expect(of('poly-vvx450', 'America/New_York')).toMatchObject({
      'tcpIpApp.sntp.gmtOffset': '-18000',
      'tcpIpApp.sntp.daylightSavings.start.date': '8',
      'tcpIpApp.sntp.daylightSavings.stop.date': '1',
    })
    expect(of('cisco-8851', 'America/New_York').Daylight_Saving_Time_Rule).toBe(
      'start=3/8/7/2:0:0;end=11/1/7/2:0:0;save=1:0:0',
    )
  })

  test('and Kolkata, which is half an hour off and never turns', () => {
    expect(of('yealink-t54w', 'Asia/Kolkata')).toMatchObject({
      'local_time.time_zone': '+5:30',
      'local_time.summer_time': '0',
    })
    expect(of('fanvil-x5u', 'Asia/Kolkata')['phone/date/TimeZone']).toBe('22')
    expect(of('cisco-8851', 'Asia/Kolkata')).toMatchObject({
      Time_Zone: 'GMT+05:30',
      Daylight_Saving_Time_Enable: 'No',
    })
  })
})

describe('what a file cannot say', () => {
  test.each([
    ['snom-d785', 'language', 'tlh', /language tlh is not known/],
    ['snom-d785', 'timezone', 'Asia/Tokyo', /timezone Asia\/Tokyo is not known/],
    ['yealink-t54w', 'voicemail', '#97', /voicemail #97 is not known/],
    ['mitel-6930', 'voicemail', '9#7', /voicemail 9#7 is not known/],
    ['yealink-t54w', 'emergencyNote', 'here', /its emergencyNote is not known/],
    ['fanvil-x5u', 'label', 'x', /its label is not known/],
    ['linphone-mobile', 'vlan', '66', /its vlan is not known/],
  ])('is left out of the file of %s, and said: %s %s', (model, name, value, note) => {
    expect(catalogue.settingNote(model, name, value)).toMatch(note)
  })

  test.each([
    ['snom-d785', 'language', 'de-AT'],
    ['yealink-t54w', 'voicemail', '*97#'],
    ['yealink-t54w', 'pollMinutes', '60'],
    ['yealink-t54w', 'label', '1001'],
    ['grandstream-grp2614', 'timezone', 'Asia/Tokyo'],
  ])('is not claimed of %s and %s %s', (model, name, value) => {
    expect(catalogue.settingNote(model, name, value)).toBeNull()
  })

  test('in lines of an admin for a vendor: each of its families is tried', () => {
    expect(catalogue.extraLinesProblem('yealink', 'features.dnd.allow = 0')).toBeNull()
    expect(catalogue.extraLinesProblem('yealink', 'features.dnd.allow: 0')).toMatch(/line 1 does not look like/)
    expect(catalogue.extraLinesProblem('nokia', 'a = 1')).toMatch(/no place/)
    expect(catalogue.extraLinesProblem('poly', 'reg.1.label="x"')).toMatch(/reg\.1\.label is there twice/)
  })
})

describe('how often a phone asks', () => {
  const minutesOf = (mac: string, settings = {}) => {
    const { body } = catalogue.render('yealink-t54w', `${mac}.cfg`, sampleValues({ mac, settings }))!
    return Number(Object.fromEntries(parseYealink(body))['static.auto_provision.repeat.minutes'])
  }

  test('differs from phone to phone by at most a tenth, and stays the same for each', () => {
    const macs = Array.from({ length: 200 }, (_, index) => `805ec0${index.toString(16).padStart(6, '0')}`)
    const minutes = macs.map((mac) => minutesOf(mac))
    expect(Math.min(...minutes)).toBe(60)
    expect(Math.max(...minutes)).toBe(65)
    expect(macs.map((mac) => minutesOf(mac))).toEqual(minutes)
    expect(minutesOf(macs[0]!, { pollMinutes: '600' })).toBeGreaterThanOrEqual(600)
  })

  test('is never less than its maker allows', () => {
    const body = render(files.find(({ model }) => model === 'grandstream-grp2614')!, { pollMinutes: '5' })
    expect(Object.fromEntries(xml(body)).P193).toBe('60')
  })
})
