import { readRouterOs } from './router-os.ts'
import { readSystemdFile } from './systemd-files.ts'

/** The options that a gateway's script sets, named as its manifest does. */
export function parametersOfScript(extension: string, script: string): ReadonlySet<string> {
  if (extension === 'rsc') return new Set(routerOsOptions(script))
  return new Set([...uciOptions(script), ...filesIn(script).flatMap(({ path, text }) => fileOptions(path, text))])
}

function uciOptions(script: string): readonly string[] {
  const types = new Map([...script.matchAll(/^set (\w+\.\w+)=(\w+)$/gm)].map(([, section, type]) => [section!, type!]))
  return [...script.matchAll(/^(?:set|add_list) ((\w+)\.\w+)\.(\w+)=/gm)].map(([, section, file, option]) => {
    const type = types.get(section!)
    if (type === undefined) throw new Error(`${section} has no type`)
    return `${file} ${type.replace(/^wireguard_.*/, 'wireguard_<interface>')} ${option}`
  })
}

const verbs = / (add|find|remove|move)$/

function routerOsOptions(script: string): readonly string[] {
  const asked = script.matchAll(/\[(\/[a-z -]+) get (?:\[find [^\]]*\] )?([a-z-]+)\]/g)
  const set = readRouterOs(script).flatMap(({ name, values }) => {
    if (!name.startsWith('/') || name.includes(' get')) return []
    const options = Object.keys(values).filter((option) => !option.startsWith('argument '))
    return options.map((option) => `${name.replace(verbs, '')} ${option}`)
  })
  return [...set, ...[...asked].map(([, menu, option]) => `${menu} ${option}`)]
}

function filesIn(script: string): readonly { readonly path: string; readonly text: string }[] {
  return [...script.matchAll(/^ *put (\S+) \d+ <<FILE\n([\s\S]*?)^FILE$/gm)].map(([, path, text]) => ({
    path: path!,
    text: text!,
  }))
}

function fileOptions(path: string, text: string): readonly string[] {
  if (path.endsWith('.nft')) return []
  if (path.endsWith('dnsmasq.conf'))
    return [...text.matchAll(/^([a-z-]+)(?:=|$)/gm)].map(([, name]) => `dnsmasq ${name}`)
  const kind = path.includes('NetworkManager') ? 'NetworkManager' : path.replace(/.*\./, '')
  return readSystemdFile(text).flatMap(({ name, values }) => values.map(([key]) => `${kind} [${name}] ${key}`))
}
