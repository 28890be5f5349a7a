import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { settingNames } from '../../src/setting-reader.ts'

const root = join(import.meta.dirname, '../..')
const files = globSync(
  ['src/**/*.ts', 'docs/**/*.md', 'templates/**/*.{json,liquid,html,txt}', 'README.md', 'SECURITY.md'],
  {
    cwd: root,
  },
)

/** Words that begin as settings do and are none. */
const others = new Set([
  // Handed from the server to its hub.
  'HUB_SETTINGS',
  // Read by the tests' own set-up.
  'TEST_SETUP', 'TEST_CACHE', 'TEST_SWEEP_MS', 'TEST_',
  // A variable of Asterisk's dialplan.
  'DIALLED',
  // Kamailio's script: what an admin may define in it.
  'DATABASE', 'SUBSCRIBERS', 'NEXT_HOP', 'NEXT_HOP_ADDRESS', 'SCRIPT',
]) // biome-ignore format: a list reads better in groups

/** And its routes, by their definitions: a name that is only called is a mistake there too. */
const routes = new Set(
  files.flatMap((file) =>
    [...readFileSync(join(root, file), 'utf8').matchAll(/route\[RINGFENCE_([A-Z_]+)\]/g)].map(([, name]) => name),
  ),
)

const names: readonly string[] = settingNames

/** `EDGE_` stands for all that begin so. */
function isSetting(word: string): boolean {
  const name = word.replace(/^PBX([2-9]|[1-9][0-9])(?=_|$)/, 'PBX')
  return name.endsWith('_') ? names.some((one) => one.startsWith(name)) : names.includes(name)
}

const words = files.flatMap((file) =>
  [...readFileSync(join(root, file), 'utf8').matchAll(/RINGFENCE_([A-Z0-9_]+)/g)].map(([, word]) => ({
    file,
    word: word!,
  })),
)

describe('the settings that hints, comments and guides name', () => {
  test('all exist', () => {
    expect(words.length).toBeGreaterThan(300)
    expect(words.filter(({ word }) => !others.has(word) && !routes.has(word) && !isSetting(word))).toEqual([])
  })

  test('are told apart from other words by a list that holds no word too many', () => {
    const used = new Set(words.map(({ word }) => word))
    expect([...others].filter((word) => !used.has(word) || isSetting(word))).toEqual([])
  })
})
