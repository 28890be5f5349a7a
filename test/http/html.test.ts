import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { html, htmlText, trusted } from '../../src/http/html.ts'

const read = (text: string): string =>
  text.replace(
    /&(amp|lt|gt|quot|#39);/g,
    (_, name: string) => ({ amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" })[name]!,
  )

describe('pages', () => {
  test('whatever a value is, it stays text and reads as it was given', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: fc.constantFrom(...`<>&"'/=\`a;#`) })),
        (value) => {
          const page = htmlText(html`<a href="${value}">${value}</a>`)
          const match = /^<a href="([^"]*)">([^<]*)<\/a>$/s.exec(page)
          expect([match?.[1], match?.[2]].map((part) => read(part ?? ''))).toEqual([value, value])
          expect(match?.[1]).not.toMatch(/[<>']/)
        },
      ),
    )
  })

  test('nested markup is kept, lists are joined, and nothing is said for what is not there', () => {
    const items = ['a', '<b>'].map((item) => html`<li>${item}</li>`)
    expect(htmlText(html`<ul>${items}</ul>${null}${undefined}${false}${0}${trusted('<hr>')}`)).toBe(
      '<ul><li>a</li><li>&lt;b&gt;</li></ul>0<hr>',
    )
  })
})
