/**
 * Reads a Yealink file as strictly as we can think of: the version line, comments, empty lines and `name = value`, nothing else.
 * @throws Error with the line that is none of these
 */
export function parseYealink(body: string): readonly (readonly [name: string, value: string])[] {
  const [first, ...lines] = body.split(/\r\n|[\n\r\v\f\u0085\u2028\u2029]/)
  if (first !== '#!version:1.0.0.1') throw new Error(`not a Yealink file: ${first}`)
  return lines
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const match = /^([a-z][a-z0-9_.]*) = (\S|\S.*\S)$/u.exec(line)
      if (!match) throw new Error(`not a setting: ${line}`)
      return [match[1]!, match[2]!] as const
    })
}
