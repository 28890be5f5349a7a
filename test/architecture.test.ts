import { globSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { importEffects } from './architecture/import-effects.ts'
import { directionFaults, homeFaults, homes, type Module, purityFaults, shapeFaults } from './architecture/rules.ts'

const checkout = join(import.meta.dirname, '..')
const read = (pattern: string): readonly Module[] =>
  globSync(pattern, { cwd: checkout, exclude: (name) => name === 'node_modules' || name === 'data' })
    .sort()
    .flatMap((path) => {
      if (!statSync(join(checkout, path)).isFile()) return []
      const content = readFileSync(join(checkout, path))
      return content.includes(0) ? [] : [{ path: path.replaceAll('\\', '/'), text: content.toString('utf8') }]
    })

// Importing these is running them: the command, and the hub as a child of the server.
const programs = ['src/cli.ts', 'src/hub/hub-entry.ts']

const sources = read('src/**/*.ts')

describe('the source', () => {
  test('is there to be judged', () => {
    expect(sources.length).toBeGreaterThan(20)
  })

  test('imports in one direction: domain, then rooms, then journeys, then doors, then main', () => {
    expect(sources.flatMap(directionFaults)).toEqual([])
  })

  test('uses each third-party package in its home only', () => {
    expect(sources.flatMap(homeFaults)).toEqual([])
  })

  test('has no home for a package that it does not depend on', () => {
    const manifest: { dependencies: Record<string, string> } = JSON.parse(
      readFileSync(join(checkout, 'package.json'), 'utf8'),
    )
    expect(Object.keys(homes).filter((name) => !name.startsWith('node:') && !(name in manifest.dependencies))).toEqual(
      [],
    )
  })

  test('keeps the domain free of chance, clock and files', () => {
    expect(sources.flatMap(purityFaults)).toEqual([])
  })

  test('has named exports, telling names, and files that fit into a head', () => {
    expect(sources.flatMap(shapeFaults)).toEqual([])
  })

  test('does nothing when it is imported: no file read, no process, no timer, no listener', () => {
    const modules = sources.map(({ path }) => path).filter((path) => !programs.includes(path))
    expect(importEffects(modules)).toEqual({ failures: [], busy: [], said: '' })
  })
})

describe('the tests', () => {
  test('expect something, each file of them', () => {
    const silent = read('test/**/*.test.ts').filter(({ text }) => !/\bexpect\(|contract|Contract/.test(text))
    expect(silent.map(({ path }) => path)).toEqual([])
  })

  test('are never left running alone', () => {
    const lonely = read('test/**/*.test.ts').filter(({ text }) => /^\s*(test|describe|it)\.only\(/m.test(text))
    expect(lonely.map(({ path }) => path)).toEqual([])
  })
})

describe('the whole checkout', () => {
  test('names no folder of the machine that it was written on', () => {
    const texts = ['src', 'test', 'templates', 'docs', 'packaging', '.ci'].flatMap((folder) => read(`${folder}/**/*`))
    const own = /(?<![\w.~-])\/(work|root|workspace|Users|home\/(?!node\b|ringfence\b)\w+)\/[\w.-]+/
    const named = texts.flatMap(({ path, text }) => {
      const match = path === 'test/architecture.test.ts' ? null : own.exec(text)
      return match ? [`${path}: ${match[0]}`] : []
    })
    expect(named).toEqual([])
  })
})
