import { describe, expect, test } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { clearInterfaces } from '../../src/journeys/clear-interfaces.ts'

const file = import.meta.filename

const drivers: Record<string, Record<string, string>> = {
  freeswitch: { PBX_ESL_SECRET_FILE: file, PBX_DIRECTORY_SECRET_FILE: file, PBX_REALM: 'pbx.example.com' },
}

function warnings(driver: string, more: Record<string, string>): string[] {
  const settings = { PBX: driver, ...drivers[driver], ...more }
  const env = Object.fromEntries(Object.entries(settings).map(([name, value]) => [`RINGFENCE_${name}`, value]))
  return clearInterfaces(readConfig(env).pbxs[0]!).map(({ message }) => message)
}

describe('doctor warns of a management interface in clear', () => {
  test('the event socket of FreeSWITCH off this machine, which has no TLS at all', () => {
    expect(warnings('freeswitch', { PBX_ESL: '192.0.2.10:8021' })).toEqual([
      'the event socket at 192.0.2.10 is spoken to in clear',
    ])
    expect(warnings('freeswitch', {})).toEqual([])
  })
})
