import fc from 'fast-check'
import { XMLValidator } from 'fast-xml-parser'
import { describe, expect, test } from 'vitest'
import { xmlProblem } from '../../src/phones/xml-form.ts'
import { hostileName } from './hostile-names.ts'

describe('well-formed XML', () => {
  test.each([
    '<a/>',
    '<?xml version="1.0" encoding="UTF-8"?>\n<!-- x -->\n<a b="1" c=\'2\'><d-e.f>x &amp; &#10; &#x1F4DE;</d-e.f></a>\n',
    '<a><b ua="na">1</b ><c/></a >',
  ])('passes: %j', (text) => {
    expect(xmlProblem(text)).toBeNull()
    expect(XMLValidator.validate(text)).toBe(true)
  })

  test.each([
    ['', /one element around/],
    ['text', /text outside/],
    ['<a>', /<a> is not closed/],
    ['<a></b>', /<\/b> closes <a>/],
    ['</a>', /closes nothing/],
    ['<a/><b/>', /one element around/],
    ['<a b="1" b="2"/>', /b is there twice/],
    ['<a b=1/>', /begins no element/],
    ['<a b="<"/>', /begins no element/],
    ['<a>& b</a>', /written &amp;/],
    ['<a>&nbsp;</a>', /written &amp;/],
    ['<a>&#0;</a>', /is no character/],
    ['<a>&#xD800;</a>', /is no character/],
    ['<a>]]></a>', /]]>/],
    ['<a><![CDATA[x]]></a>', /begins no element/],
    ['<!DOCTYPE a><a/>', /begins no element/],
    ['<a><?php x?></a>', /begins no element/],
    ['<a><?xml version="1.0"?></a>', /not at the beginning/],
    ['<a><!-- x -- y --></a>', /begins no element/],
    ['<a>x<b/></a>', /beside its elements/],
    ['<a>\n<b>\n</a>', /line 3: <\/a> closes <b>/],
  ])('is missed by %j', (text, problem) => {
    expect(xmlProblem(text)).toMatch(problem)
  })

  test('is never claimed of what another reader refuses', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        '<a>',
        '</a>',
        '<b c="1">',
        '</b>',
        '<d/>',
        '<!-- x -->',
        '&amp;',
        '&',
        '<',
        '"',
        'x',
        ' ',
        '\n',
        '<e f="&lt;" f="2"/>',
      ),
      hostileName,
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const text = `<r>${pieces.join('')}</r>`
        if (xmlProblem(text) === null) expect([text, XMLValidator.validate(text)]).toEqual([text, true])
      }),
      { numRuns: 2_000 },
    )
  })

  test('is looked for in a moment, also where somebody tries to make it long', () => {
    const started = performance.now()
    for (const text of [
      `<a${' '.repeat(20_000)}`,
      `<a ${'b="1" '.repeat(5_000)}`,
      `<${'a'.repeat(20_000)}`,
      '<!--'.repeat(5_000),
    ])
      expect(xmlProblem(text)).not.toBeNull()
    expect(performance.now() - started).toBeLessThan(1_000)
  })
})
