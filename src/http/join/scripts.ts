/**
 * What the employee's page loads: our own module and, only when a key is to be made, the QR encoder and (for browsers without
 * X25519) a vetted curve library, as they lie in node_modules. Read once when the app is made; there is no build.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

const folder = new URL('../../../templates/pages/', import.meta.url)

export interface JoinScripts {
  /** Of the module that the page names. */
  readonly address: string
  /** Null for any path that is none of ours. */
  read(path: string): string | null
}

export function joinScripts(): JoinScripts {
  const files = new Map<string, string>([
    ['join.js', readFileSync(new URL('join.js', folder), 'utf8')],
    ['qrcode.js', commonJsAsModule('qrcode/lib/core/qrcode.js', 'create')],
    ...modulesFrom('@noble/curves/ed25519.js'),
  ])
  const hash = createHash('sha256')
  for (const [name, text] of files) hash.update(`${name}\n${text}\n`)
  const base = `/join-assets/${hash.digest('hex').slice(0, 16)}/`
  return {
    address: `${base}join.js`,
    read: (path) => (path.startsWith(base) ? (files.get(path.slice(base.length)) ?? null) : null),
  }
}

/** A module and all that it imports, by their place in node_modules; names of packages become relative paths. */
function modulesFrom(specifier: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  const take = (path: string): void => {
    const name = nameOf(path)
    if (found.has(name)) return
    found.set(name, '')
    const { resolve } = createRequire(path)
    const up = '../'.repeat(name.split('/').length - 1)
    const text = readFileSync(path, 'utf8').replace(
      /^((?:import|export)\s+(?:\{[^}]*\}|\*(?:\s+as\s+\w+)?|\w+)\s+from\s*)(['"])([^'"\n]+)\2/gm,
      (_whole, words: string, _quote, target: string) => {
        const wanted = resolve(target)
        take(wanted)
        return `${words}'${up}${nameOf(wanted)}'`
      },
    )
    found.set(name, text)
  }
  take(pathOf(specifier))
  return found
}

/** A CommonJS file and all that it requires as one module that exports one of its names. */
function commonJsAsModule(specifier: string, exported: string): string {
  const wrapped = new Map<string, string>()
  const take = (path: string): void => {
    if (wrapped.has(path)) return
    wrapped.set(path, '')
    const require = createRequire(path)
    const text = readFileSync(path, 'utf8').replace(
      /\brequire\(\s*['"]([^'"]+)['"]\s*\)/g,
      (_whole, target: string) => {
        const wanted = require.resolve(target)
        take(wanted)
        return `$require(${JSON.stringify(nameOf(wanted))})`
      },
    )
    wrapped.set(path, `${JSON.stringify(nameOf(path))}: (module, exports) => {\n${text}\n}`)
  }
  const start = pathOf(specifier)
  take(start)
  return `const $files = {\n${[...wrapped.values()].join(',\n')}\n}
const $cache = {}
function $require(name) {
  if (!$cache[name]) {
    const module = ($cache[name] = { exports: {} })
    $files[name](module, module.exports)
  }
  return $cache[name].exports
}
export const { ${exported} } = $require(${JSON.stringify(nameOf(start))})
`
}

/** Without the path of this machine. */
function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
}

function pathOf(specifier: string): string {
  return fileURLToPath(import.meta.resolve(specifier))
}
