import { globSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { html, htmlText } from '../../src/http/html.ts'
import { chosenLanguage, readMessages } from '../../src/http/join/messages.ts'

const folder = new URL('../../templates/messages/', import.meta.url)
const sources = new URL('../../src/http/', import.meta.url)
const book = async (name: string) =>
  JSON.parse(await readFile(new URL(name, folder), 'utf8')) as Readonly<Record<string, string>>
const placeholders = (sentence: string) => (sentence.match(/\{\w+\}/g) ?? []).sort()
const marks = (sentence: string) => sentence.split('**').length - 1

describe('the message files', async () => {
  const names = globSync('*/join.json', { cwd: fileURLToPath(folder) }).sort()
  const english = await book('en/join.json')

  test.each(names)('%s says everything that the English one says, with the same placeholders', async (name) => {
    const own = await book(name)
    expect(Object.keys(own).sort()).toEqual(Object.keys(english).sort())
    for (const [key, sentence] of Object.entries(own)) {
      expect([key, placeholders(sentence)]).toEqual([key, placeholders(english[key]!)])
      expect([key, marks(sentence) % 2, sentence.trim()]).toEqual([key, 0, sentence])
    }
  })

  test('have no sentence that nothing says, and lack none that is asked for', async () => {
    const files = (await readdir(sources, { recursive: true })).filter((name) => name.endsWith('.ts'))
    const code = (await Promise.all(files.map((name) => readFile(new URL(name, sources), 'utf8')))).join('\n')
    const literal = new Set([...code.matchAll(/'(join\.(?!js')[a-zA-Z.-]+)'/g)].map(([, key]) => key!))
    // `join.device.${device}`: any of that beginning.
    const begun = [...code.matchAll(/`(join\.[a-zA-Z.-]+\.)\$\{/g)].map(([, start]) => start!)
    const unsaid = Object.keys(english).filter(
      (key) => key !== 'language' && !literal.has(key) && !begun.some((start) => key.startsWith(start)),
    )
    expect(unsaid).toEqual([])
    expect([...literal].filter((key) => english[key] === undefined)).toEqual([])
    for (const start of begun) expect(Object.keys(english).some((key) => key.startsWith(start))).toBe(true)
  })
})

describe('a sentence', () => {
  const { speaker, languages } = readMessages()

  test('escapes what stands in for a placeholder, also inside bold words', () => {
    const said = htmlText(speaker('en').say('join.lead', { extension: '<b>&' }))
    expect(said).toContain('<strong>&lt;b&gt;&amp;</strong>')
    expect(htmlText(speaker('de').say('join.hello', { name: html`<bdi>${'<x>'}</bdi>` }))).toBe(
      'Guten Tag, <bdi>&lt;x&gt;</bdi>',
    )
  })

  test('for an attribute has no marks', () => {
    for (const { code } of languages)
      expect(speaker(code).text('join.help.name.fritz', { host: 'h' })).not.toContain('*')
  })
})

test('the language is the best of ours that the browser likes, and English where it likes none', () => {
  const messages = readMessages()
  const choose = (header: string | undefined, wanted: string | null = null) => chosenLanguage(messages, wanted, header)
  expect(messages.languages).toEqual([
    { code: 'de', name: 'Deutsch' },
    { code: 'en', name: 'English' },
    { code: 'es', name: 'Español' },
    { code: 'fr', name: 'Français' },
  ])
  expect(choose(undefined)).toBe('en')
  expect(choose('fr-CA, en;q=0.8')).toBe('fr')
  expect(choose('it, es;q=0.3, de;q=0.7')).toBe('de')
  expect(choose('*')).toBe('en')
  expect(choose('de', 'fr')).toBe('fr')
  expect(choose('de', 'xx')).toBe('de')
})
