/** What pages load beside themselves: read once when the app is made, named by their content, kept by browsers for a year. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { type Route, route } from './route.ts'
import { pageStyle } from './style.ts'

export interface Assets {
  readonly routes: readonly Route[]
  /** The address under which a page loads it. */
  address(name: AssetName): string
}

export type AssetName = 'console.css' | 'console.js' | 'passkey.js' | 'icon.svg'

/** A ring with one door in it. */
const icon =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><path fill="none" stroke="#0a6b5c" stroke-width="5" stroke-linecap="round" d="M11 5.5a12 12 0 1 0 10 0"/></svg>'

const types: Readonly<Record<AssetName, string>> = {
  'console.css': 'text/css; charset=utf-8',
  'console.js': 'text/javascript; charset=utf-8',
  'passkey.js': 'text/javascript; charset=utf-8',
  'icon.svg': 'image/svg+xml',
}

export function assets(): Assets {
  const contents: Readonly<Record<AssetName, string>> = {
    'console.css': [fileOf('@picocss/pico/css/pico.min.css'), pageStyle('console').text].join('\n'),
    // htmx first: our own small script hangs on it.
    'console.js': [fileOf('htmx.org/dist/htmx.min.js'), ownFile('console.js')].join(';\n'),
    // Only on pages where somebody signs in or looks after their account.
    'passkey.js': [
      readFileSync(new URL('../dist/bundle/index.umd.min.js', import.meta.resolve('@simplewebauthn/browser')), 'utf8'),
      ownFile('passkey.js'),
    ].join(';\n'),
    'icon.svg': icon,
  }
  const zipped = Object.fromEntries(
    Object.entries(contents).map(([name, text]) => [name, gzipSync(text, { level: 9 })]),
  ) as Readonly<Record<AssetName, Buffer>>
  const address = (name: AssetName) =>
    `/assets/${createHash('sha256').update(contents[name]).digest('hex').slice(0, 12)}/${name}`
  return {
    address,
    routes: (Object.keys(contents) as AssetName[]).map((name) =>
      route('get', address(name), 'public', { summary: name, answer: types[name] }, async ({ request, response }) => {
        response.set({ 'Cache-Control': 'public, max-age=31536000, immutable', Vary: 'Accept-Encoding' })
        response.type(types[name])
        // The same for everybody and no secret in it: what makes compression a risk for pages is not here.
        if (request.acceptsEncodings('gzip') === false) return void response.send(contents[name])
        response.set('Content-Encoding', 'gzip').send(zipped[name])
      }),
    ),
  }
}

function fileOf(specifier: string): string {
  return readFileSync(fileURLToPath(import.meta.resolve(specifier)), 'utf8')
}

function ownFile(name: string): string {
  return readFileSync(new URL(`../../templates/pages/${name}`, import.meta.url), 'utf8')
}
