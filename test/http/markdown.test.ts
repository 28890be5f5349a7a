import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { guideAddress, readGuides } from '../../src/http/guides.ts'
import { html, htmlText } from '../../src/http/html.ts'
import { markdownPage } from '../../src/http/markdown.ts'

const docs = new URL('../../docs/', import.meta.url)
const guides = readGuides()
const of = (text: string): string => htmlText(markdownPage(text, (target) => target).body)

/** Every tag that may come out, with exactly the attributes that we write. */
const tags =
  /<\/?(?:p|ul|ol|li|em|strong|code|table|thead|tbody|tr|td)>|<pre tabindex="0">|<\/pre>|<h[23] id="[^"<>]*">|<\/h[23]>|<th scope="col">|<\/th>|<div class="scroll" tabindex="0">|<\/div>|<a href="[^"<>]*">|<\/a>/g

describe('guides', () => {
  test('are all documents for whoever runs Ringfence, each with a title, for every PBX and vendor', () => {
    const files = [
      ...readdirSync(docs).filter((name) => name.endsWith('.md')),
      ...readdirSync(new URL('phones/', docs)).map((name) => `phones-${name}`),
    ].map((name) => name.replace(/\.md$/, ''))
    expect(guides.map(({ name }) => name).sort()).toEqual(
      files.filter((name) => !['development', 'screenshots'].includes(name)).sort(),
    )
    for (const { title, name } of guides) expect([name, title]).toEqual([name, expect.stringMatching(/^[A-Za-z0-9]/)])
    expect(guides.filter(({ group }) => group === 'PBX').map(({ name }) => name)).toEqual([
      '3cx',
      'asterisk',
      'edge',
      'freepbx',
      'freeswitch',
      'kamailio',
      'manual-pbx',
      'pbx',
      'yeastar',
    ])
  })

  test.each(guides.map(({ name, body }) => [name, htmlText(body)] as const))(
    '%s has only our own tags, nested as they should be, and no mark left over',
    (_name, text) => {
      expect(text.replace(tags, '')).not.toMatch(/[<>]/)
      const open: string[] = []
      for (const [, end, tag] of text.matchAll(/<(\/?)([a-z0-9]+)[^>]*>/g)) {
        if (end === '') open.push(tag!)
        else expect(open.pop()).toBe(tag)
      }
      expect(open).toEqual([])
      const words = text.replace(/<(code|pre)[^>]*>.*?<\/\1>/gs, '')
      expect(words).not.toMatch(/`|\*\*|\]\(|^\||^#/m)
    },
  )

  test('lead to each other: a link to another document is a guide, also one to a place in it', () => {
    const names = new Set(guides.map(({ name }) => name))
    let followed = 0
    for (const { name, body } of guides) {
      for (const [, address] of htmlText(body).matchAll(/<a href="([^"]*)">/g)) {
        if (/^https:/.test(address!)) continue
        const [path, place] = address!.split('#')
        const target = path === '' ? name : path!.replace(/^\/guides\//, '')
        expect([name, address, names.has(target)]).toEqual([name, address, true])
        const there = htmlText(guides.find((guide) => guide.name === target)!.body)
        if (place) expect([address, there.includes(`id="${place}"`)]).toEqual([address, true])
        followed += 1
      }
    }
    expect(followed).toBeGreaterThan(20)
  })

  test('keep every word of their document', () => {
    const text = readFileSync(new URL('asterisk.md', docs), 'utf8')
    const shown = htmlText(guides.find(({ name }) => name === 'asterisk')!.body)
      .replace(tags, ' ')
      .replaceAll('&lt;', '<')
      .replaceAll('&gt;', '>')
      .replaceAll('&quot;', '"')
      .replaceAll('&#39;', "'")
      .replaceAll('&amp;', '&')
    const words = (source: string) => source.match(/[A-Za-z_]{4,}/g) ?? []
    const found = new Set(words(shown))
    const targets = new Set([...text.matchAll(/\]\(([^)]*)\)/g)].flatMap(([, target]) => words(target!)))
    const body = text.split('\n').slice(1).join('\n')
    expect(words(body).filter((word) => !found.has(word) && !targets.has(word))).toEqual([])
  })
})

describe('our Markdown', () => {
  test('knows headings, lists with lines that go on, tables with bars in cells, code and links', () => {
    expect(of('# A\n\n## B `c`\n\ntext **bold *not* x** and *em* `a*b*`\n')).toBe(
      '<h2 id="b-c">B <code>c</code></h2><p>text <strong>bold <em>not</em> x</strong> and <em>em</em> <code>a*b*</code></p>',
    )
    expect(of('- one\n  goes on\n- two\n\n      code\n\n1. a\n2. b')).toBe(
      '<ul><li>one\ngoes on</li><li>two<pre tabindex="0"><code>code</code></pre></li></ul><ol><li>a</li><li>b</li></ol>',
    )
    expect(of('| a | b |\n|---|---|\n| `x\\|y` | [z](https://z.example) |')).toContain(
      '<td><code>x|y</code></td><td><a href="https://z.example">z</a></td>',
    )
    expect(htmlText(markdownPage('[a](b.md)', () => null).body)).toBe('<p>a</p>')
    expect(of('5 * 3 * 2 and a_b_c')).toBe('<p>5 * 3 * 2 and a_b_c</p>')
  })

  test('lets no text through as markup, whatever it is', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.constantFrom(
              '<script>',
              '"><b>',
              '`',
              '**',
              '*',
              '[',
              '](',
              ')',
              '|',
              '\n',
              '    ',
              '- ',
              '1. ',
              '# ',
              '&',
            ),
            fc.string({ maxLength: 6 }),
          ),
          { maxLength: 40 },
        ),
        (parts) => {
          const shown = htmlText(html`${markdownPage(parts.join(''), () => '/guides/x').body}`)
          expect(shown.replace(tags, '')).not.toMatch(/[<>]/)
        },
      ),
      { numRuns: 400 },
    )
  })

  test('a link that would run a script or leave by another scheme leads nowhere', () => {
    for (const target of [
      'javascript:alert(1)',
      'data:text/html,x',
      '//evil.example',
      'http://plain.example',
      '../../x.md',
    ])
      expect(
        htmlText(markdownPage(`[x](${target})`, (to) => guideAddress(to, 'api', new Set(['x']))).body),
      ).not.toContain('<a')
  })
})
