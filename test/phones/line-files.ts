/** Readers for the files that are lines of text, each as strict as we can think of. They throw at the first line that is nothing. */
export type Settings = readonly (readonly [name: string, value: string])[]

const lineEnds = /\r\n|[\n\r\v\f\u0085\u2028\u2029]/

/** Mitel: comments and `key: value`. A `#` or wrapping quotation marks in a value have no known meaning and are refused. */
export function parseMitel(body: string): Settings {
  return body
    .split(lineEnds)
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const match = /^([a-z](?:[a-z0-9 ]|\[start\|end\])*[a-z0-9]): (\S|\S.*\S)$/u.exec(line)
      if (!match || match[2]!.includes('#') || /^["']|["']$/.test(match[2]!)) throw new Error(`not a setting: ${line}`)
      return [match[1]!, match[2]!] as const
    })
}

/**
 * AudioCodes: comments and `path/name=value`. A comment's sign, `<`, `>` or wrapping quotation marks in a value have no known
 * meaning there and are refused; an empty value clears the setting.
 */
export function parseAudioCodes(body: string): Settings {
  return body
    .split(lineEnds)
    .filter((line) => line !== '' && !line.startsWith(';'))
    .map((line) => {
      const match = /^([a-z][a-zA-Z0-9_/]*[a-z0-9])=(.*)$/u.exec(line)
      if (!match || /[;#<>]|^["'\s]|["'\s]$/.test(match[2]!)) throw new Error(`not a setting: ${line}`)
      return [match[1]!, match[2]!] as const
    })
}

/**
 * An ini file as Windows reads it: `[Section]`, `key=value`, spaces and one pair of quotation marks around a value taken off;
 * ASCII only, since the rest depends on the computer's code page. Names are `Section/key`.
 */
export function parseIni(body: string): Settings {
  let section = ''
  return body.split(lineEnds).flatMap((line) => {
    if (line === '') return []
    if (/[^ -~]/u.test(line)) throw new Error(`not ASCII: ${line}`)
    const head = /^\[([A-Za-z0-9]+)\]$/.exec(line)
    if (head) {
      section = head[1]!
      return []
    }
    const match = /^([A-Za-z]+)=(.*)$/.exec(line)
    if (!match || section === '') throw new Error(`not a setting: ${line}`)
    return [[`${section}/${match[1]}`, match[2]!.trim().replace(/^(["'])(.*)\1$/, '$2')] as const]
  })
}

/** baresip's config: `name value`, split at the first space as its own parser does. */
export function parseBaresipConfig(body: string): Settings {
  return body
    .split(lineEnds)
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const match = /^([a-z_]+) (\S+)$/u.exec(line)
      if (!match) throw new Error(`not a setting: ${line}`)
      return [match[1]!, match[2]!] as const
    })
}

/** baresip's accounts: each line `<sip:user@host:port;param>;param=value…`, where a value ends at `;` or a space. */
export function parseBaresipAccounts(body: string): readonly Settings[] {
  return body
    .split(lineEnds)
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const match = /^<(sip:[^<>;\s]+);transport=([a-z]+)>((?:;[a-z_]+=[^;\s<>"]+)*)$/u.exec(line)
      if (!match) throw new Error(`not an account: ${line}`)
      const parameters = match[3]!.split(';').slice(1)
      return [
        ['address', match[1]!],
        ['transport', match[2]!],
        ...parameters.map((part) => [part.slice(0, part.indexOf('=')), part.slice(part.indexOf('=') + 1)] as const),
      ] as const
    })
}
