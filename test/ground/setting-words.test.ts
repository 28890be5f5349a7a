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
  // Kamailio's script: what an admin may define in it …
  'DATABASE', 'SUBSCRIBERS', 'NEXT_HOP', 'NEXT_HOP_ADDRESS', 'SCRIPT',
  // … and its routes and tables.
  'ABROAD', 'ALLOWED', 'ANSWER', 'AT_HOME', 'CERTIFICATE', 'CLASSIFY', 'FROM_OUTSIDE', 'FROM_PHONE', 'GOAL', 'IN_DIALOG',
  'LIMIT', 'LOGIN', 'MAY_DIAL', 'NO_CLAIMS', 'REGISTER', 'SAME_CALLER', 'SPANS', 'SPENT', 'TO_PHONE', 'WITHIN_LIMITS',
]) // biome-ignore format: a list reads better in groups

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
    expect(words.filter(({ word }) => !others.has(word) && !isSetting(word))).toEqual([])
  })

  test('are told apart from other words by a list that holds no word too many', () => {
    const used = new Set(words.map(({ word }) => word))
    expect([...others].filter((word) => !used.has(word) || isSetting(word))).toEqual([])
  })
})
