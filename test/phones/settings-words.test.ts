import { describe, expect, test } from 'vitest'
import { sampleValues } from './sample-values.ts'
import { catalogue, files, render, xml } from './settings-file.ts'
import { parseYealink } from './yealink-file.ts'

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
