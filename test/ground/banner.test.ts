import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { banner } from '../../src/main/banner.ts'

const shown = (folder: string | undefined, isEmpty: boolean) =>
  shownWith(folder === undefined ? {} : { RINGFENCE_DATA: folder }, isEmpty)

const shownWith = (env: Parameters<typeof readConfig>[0], isEmpty = true) =>
  banner({
    config: readConfig(env),
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

test('the start says what the edge in front of the PBX enforces, also where the PBX is operated by hand', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ringfence-banner-'))
  const secret = join(folder, 'secret')
  writeFileSync(secret, 'a secret of the edge that is long enough', { mode: 0o600 })
  const edge = {
    RINGFENCE_DATA: '/srv/phones',
    RINGFENCE_PBX_ADDRESS: '10.90.0.2',
    RINGFENCE_EDGE_ADDRESS: '10.90.0.3',
    RINGFENCE_EDGE_HOST: 'sip.example.com',
    RINGFENCE_EDGE_DIR: '/var/lib/ringfence-edge',
    RINGFENCE_EDGE_RPC_SECRET_FILE: secret,
  }
  const text = shownWith(edge)
  expect(text).toContain('  PBX           manual: each change of an account is a step for you to do and tick\n')
  expect(text).toContain(
    '  SIP edge      sip.example.com at 10.90.0.3, in front of the PBX: client certificates and call classes are enforced there\n',
  )
  expect(shown('/srv/phones', true)).not.toContain('SIP edge')
  rmSync(folder, { recursive: true })
})

test('commands that are printed at the start find a server whose data is elsewhere', () => {
  expect(shown('/srv/phones', true)).toContain('\n  RINGFENCE_DATA=/srv/phones ./ringfence onboard --name')
  expect(shown("/srv/it's phones", false)).toContain("\n  RINGFENCE_DATA='/srv/it'\\''s phones' ./ringfence doctor\n")
})
