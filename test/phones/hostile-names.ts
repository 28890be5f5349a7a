import fc from 'fast-check'

/** Names that people have, could type, or that slipped through from a file nobody checked. */
export const hostileNames = [
  '"Bobby" \'); DROP TABLE',
  '<script>alert(1)</script> & Söhne',
  'a;b=c,d#e',
  '# not a comment',
  '📞 Zoë 👩‍👩‍👧',
  '\u202eevil\u202c \u200fعدي',
  '{{ sip.secret }} {% raw %}',
  '=cmd|calc!A1',
  '%NULL%',
  'x %null% y %NULL%NULL%',
  '#include "/etc/passwd"',
  'include:config "evil.cfg"',
  'Ada\naccount.1.password = stolen',
  'Ada\r\naccount.2.enable = 1',
  'Ada\u2028dm.enable = 1\u0085x',
  'Ada</entry><entry name="passwd" overwrite="true">stolen',
  ']]><!--',
  '&#10;&lt;&amp;lt;',
  '\\" <sip:evil@example.net>;x="',
  'tail\\',
  "'t Hooft'",
  '  spaces  ',
  '\0\u0007\ud800\ufeff\uffff',
  '$MAC $PN $(HOME) `id`',
]

/** Any text, the list above, and pieces of it put together. */
export const hostileName: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(...hostileNames),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc
    .array(fc.oneof(fc.constantFrom(...hostileNames), fc.string({ unit: 'grapheme', maxLength: 10 })), { maxLength: 4 })
    .map((parts) => parts.join('')),
)

/** What escape.ts promises of a name in XML, written apart from it: one line, trimmed, everything else as typed. */
export function nameOnOneLine(name: string): string {
  return [...name]
    .map((character) => (/[\p{Cc}\u2028\u2029]/u.test(character) || !character.isWellFormed() ? '\n' : character))
    .filter((character) => !/[\ufeff\ufffe\uffff]/.test(character))
    .join('')
    .replace(/\n+/g, ' ')
    .trim()
}
