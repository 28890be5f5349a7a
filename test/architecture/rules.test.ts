import { describe, expect, test } from 'vitest'
import { importEffects } from './import-effects.ts'
import { directionFaults, homeFaults, importsOf, purityFaults, shapeFaults } from './rules.ts'

const at = (path: string, text: string) => ({ path, text })

describe('the rules of architecture notice', () => {
  test.each([
    ['a room that imports another room', 'src/pki/a.ts', "import { b } from '../pbx/b.ts'"],
    [
      'a room that imports even a type of another room',
      'src/phones/a.ts',
      "import type { B } from '../store/store.ts'",
    ],
    ['a domain file that imports a room', 'src/domain/a.ts', "import type { B } from '../pki/pki-port.ts'"],
    ['a domain file that imports the ground', 'src/domain/a.ts', "import { AppError } from '../errors.ts'"],
    ['the engine importing the store', 'src/access/a.ts', "import type { Store } from '../store/store.ts'"],
    ['the hub importing the vault', 'src/hub/a.ts', "import { Vault } from '../vault.ts'"],
    ['a journey that runs a room itself', 'src/journeys/a.ts', "import { openStore } from '../store/open-store.ts'"],
    ['a journey that mixes a type with a value', 'src/journeys/a.ts', "import { type A, b } from '../pbx/b.ts'"],
    ['a page that asks a room', 'src/http/a.ts', "import type { Store } from '../store/store.ts'"],
    [
      'a page that asks a journey past the application',
      'src/http/a.ts',
      "import { offboard } from '../journeys/offboard.ts'",
    ],
    ['a command that builds an adapter', 'src/cli/a.ts', "import { asterisk } from '../pbx/asterisk.ts'"],
    ['an adapter named at the top but not in main.ts', 'src/config.ts', "import { asterisk } from './pbx/asterisk.ts'"],
    ['a file at the top that starts the program', 'src/config.ts', "import { serve } from './main.ts'"],
    ['a room loaded later', 'src/pki/a.ts', "const later = () => import('../pbx/asterisk.ts')"],
    ['a room that reaches for what main.ts builds with', 'src/pki/a.ts', "import { banner } from '../main/banner.ts'"],
    ['a re-export from another room', 'src/pki/a.ts', "export { b } from '../pbx/b.ts'"],
    ['an import over several lines', 'src/pki/a.ts', "import {\n  one,\n  two,\n} from '../pbx/b.ts'"],
    ['an import only for its effect', 'src/pki/a.ts', "import '../pbx/b.ts'"],
    ['a kind of PBX that knows another one', 'src/pbx/kamailio/a.ts', "import { b } from '../asterisk/b.ts'"],
    ['what all PBXs share knowing one of them', 'src/pbx/a.ts', "import type { B } from './asterisk/b.ts'"],
    ['a folder that nobody thought of', 'src/misc/a.ts', ''],
  ])('%s', (_title, path, text) => {
    expect(directionFaults(at(path, text))).toHaveLength(1)
  })

  test.each([
    [
      'a room using the ground and the domain',
      'src/pki/a.ts',
      "import { AppError } from '../errors.ts'\nimport { x } from '../domain/x.ts'",
    ],
    ['a room naming the engine its port', 'src/pki/a.ts', "import type { Finding } from '../access/access-system.ts'"],
    ['a journey naming the type of a port', 'src/journeys/a.ts', "import type { Store } from '../store/store.ts'"],
    ['types listed one by one', 'src/journeys/a.ts', "import { type Store, type Row } from '../store/store.ts'"],
    ['the hub and the tunnels', 'src/hub/a.ts', "import { uapi } from '../tunnels/uapi.ts'"],
    ['a type named in passing', 'src/domain/a.ts', "const x: import('./secret.ts').Secret"],
    ['main.ts, which builds everything', 'src/main.ts', "import { asterisk } from './pbx/asterisk.ts'"],
    ['a file at the top and its neighbour', 'src/config.ts', "import { read } from './setting-reader.ts'"],
    ['the kind of PBX that another one stands on', 'src/pbx/freepbx/a.ts', "import { b } from '../asterisk/b.ts'"],
    ['what all PBXs share', 'src/pbx/asterisk/a.ts', "import { b } from '../pbx-driver.ts'"],
    ['what main.ts is made of', 'src/main/pbx.ts', "import { asterisk } from '../pbx/asterisk.ts'"],
  ])('but not %s', (_title, path, text) => {
    expect(directionFaults(at(path, text))).toEqual([])
  })

  test('a package outside its home, and one that has none', () => {
    expect(homeFaults(at('src/pbx/a.ts', "import { execa } from 'execa'"))).toHaveLength(1)
    expect(homeFaults(at('src/pbx/a.ts', "import leftPad from 'left-pad'"))).toHaveLength(1)
    expect(homeFaults(at('src/phones/a.ts', "import { DatabaseSync } from 'node:sqlite'"))).toHaveLength(1)
    expect(homeFaults(at('src/store/a.ts', "import { Migrator } from 'kysely/migration'"))).toEqual([])
    expect(homeFaults(at('src/system.ts', "import { execa } from 'execa'\nimport { join } from 'node:path'"))).toEqual(
      [],
    )
  })

  test('a domain file that reaches for chance, files or the clock', () => {
    expect(purityFaults(at('src/domain/a.ts', "import { randomBytes } from 'node:crypto'"))).toHaveLength(1)
    expect(purityFaults(at('src/domain/a.ts', "import * as crypto from 'node:crypto'"))).toHaveLength(1)
    expect(purityFaults(at('src/domain/a.ts', "import { readFileSync } from 'node:fs'"))).toHaveLength(1)
    expect(purityFaults(at('src/domain/a.ts', "import { createHash, timingSafeEqual } from 'node:crypto'"))).toEqual([])
    expect(purityFaults(at('src/domain/a.ts', "import { isIP } from 'node:net'"))).toEqual([])
    expect(purityFaults(at('src/domain/a.ts', "import { connect, isIP } from 'node:net'"))).toHaveLength(1)
  })

  test('default exports, handed-on exports, vague names, long and unfinished files', () => {
    expect(shapeFaults(at('src/a.ts', 'export default 1'))).toHaveLength(1)
    expect(shapeFaults(at('src/a.ts', "export * from './b.ts'"))).toHaveLength(1)
    expect(shapeFaults(at('src/a.ts', "export type { B } from './b.ts'"))).toHaveLength(1)
    expect(shapeFaults(at('src/pki/utils.ts', ''))).toHaveLength(1)
    expect(shapeFaults(at('src/pki/key-manager.ts', ''))).toHaveLength(1)
    expect(shapeFaults(at('src/a.ts', 'x\n'.repeat(301)))).toHaveLength(1)
    expect(shapeFaults(at('src/a.ts', ['// TO', 'DO: later'].join('')))).toHaveLength(1)
    expect(shapeFaults(at('src/a.ts', 'x\n'.repeat(300)))).toEqual([])
    expect(shapeFaults(at('src/a.ts', 'export const a = { b: 1 }\nexport function c() {}'))).toEqual([])
  })

  test('what an import names and where it leads', () => {
    expect(importsOf(at('src/pki/a.ts', "import forge, { type X, y as z } from '../errors.ts'"))).toEqual([
      { target: 'src/errors.ts', typeOnly: false, names: ['X', 'y'] },
    ])
  })
})

describe('importing a module is noticed when it', () => {
  const fixture = (name: string) => importEffects([`test/fixtures/architecture/${name}.ts`])

  test('reads a file', () => {
    expect(fixture('reads').failures).toEqual([
      expect.stringContaining('reads.ts: Access to this API has been restricted'),
    ])
  })

  test('starts a program', () => {
    expect(fixture('starts').failures).toEqual([
      expect.stringContaining('starts.ts: Access to this API has been restricted'),
    ])
  })

  test('opens a listener or sets a timer', () => {
    expect(fixture('listens').busy).toContain('TCPServerWrap')
    expect(fixture('ticks').busy).toContain('Timeout')
  })

  test('but not when it does nothing', () => {
    expect(fixture('quiet')).toEqual({ failures: [], busy: [], said: '' })
  })
})
