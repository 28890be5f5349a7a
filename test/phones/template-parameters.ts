import type { Format } from '../../src/phones/escape.ts'

/** The names of the settings in a template of one of these formats; null when the template is of another kind. */
export function parametersOfTemplate(format: Format, template: string): readonly string[] | null {
  const text = template.replace(/^\{%[\s\S]*?%\}\n|\{%[\s\S]*?%\}/gm, '')
  const all = (pattern: RegExp) => [...text.matchAll(pattern)].map((match) => match[1]!)
  if (format === 'mitel-cfg') return all(/^([a-z](?:[a-z0-9 ]|\[start\|end\])*[a-z0-9]):/gm)
  if (format === 'audiocodes-cfg') return all(/^([a-z][\w/]*)=/gm)
  if (format === 'ini') return iniNames(text)
  if (format === 'baresip')
    return text.includes('<sip:') ? all(/;([a-z_]+)=/g).map((name) => `account: ${name}`) : all(/^([a-z_]+) /gm)
  const root = /^(?:<\?xml[^>]*>\s*)?(?:<!--[\s\S]*?-->\s*)*<([\w-]+)/.exec(text)?.[1] ?? ''
  // A device setting of Poly is two attributes, `name` and `name.set`.
  if (root === 'PHONE_CONFIG' || root === 'APPLICATION')
    return all(/\s([A-Za-z]\w*(?:\.\w+)+)="/g).filter((name) => name === 'device.set' || !name.endsWith('.set'))
  if (root === 'provisioning') return all(/<param name="([\w.]+)"/g)
  if (['flat-profile', 'hl_provision', 'account'].includes(root))
    return all(/<([A-Za-z][\w-]*)/g).filter((name) => name !== root && name !== 'config')
  return null
}

function iniNames(text: string): readonly string[] {
  let section = ''
  return text.split('\n').flatMap((line) => {
    section = /^\[(\w+)\]$/.exec(line)?.[1] ?? section
    const key = /^(\w+)=/.exec(line)?.[1]
    return key === undefined ? [] : [`${section}/${key}`]
  })
}
