import { expect, test } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { banner } from '../../src/main/banner.ts'

const shown = (folder: string | undefined, isEmpty: boolean) =>
  banner({
    config: readConfig(folder === undefined ? {} : { RINGFENCE_DATA: folder }),
    hub: null,
    console: 'http://127.0.0.1:8080',
    phoneDoor: 'https://127.0.0.1:8443',
    setupLink: null,
    adminSocket: 'admin.sock',
    isEmpty,
  })

test('the start says which process it is, and how to begin while nobody is there yet', () => {
  const text = shown(undefined, true)
  expect(text).toContain(`Process       ${process.pid}\n`)
  expect(text).toContain('\n  ./ringfence onboard --name')
  expect(text).toContain('\n  ./ringfence doctor\n')
  expect(shown(undefined, false)).not.toContain('onboard')
})

test('commands that are printed at the start find a server whose data is elsewhere', () => {
  expect(shown('/srv/phones', true)).toContain('\n  RINGFENCE_DATA=/srv/phones ./ringfence onboard --name')
  expect(shown("/srv/it's phones", false)).toContain("\n  RINGFENCE_DATA='/srv/it'\\''s phones' ./ringfence doctor\n")
})
