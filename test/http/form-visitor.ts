/** Somebody who is signed in to the console and works with its forms. */
import { type Answer, ask } from './http-client.ts'

type Headers = Readonly<Record<string, string>>
/** More than one value is a name that is sent more than once, as ticked rows are. */
type Fields = Readonly<Record<string, string | readonly string[]>>

export function formVisitor(port: () => number, usual: () => string) {
  const get = (path: string, cookie = usual(), headers: Headers = {}) =>
    ask(port(), { path, headers: { cookie, accept: 'text/html', ...headers } })
  const post = (path: string, fields: Fields = {}, cookie = usual(), headers: Headers = {}) => {
    const pairs = Object.entries(fields).flatMap(([name, value]) =>
      [value].flat().map((each): [string, string] => [name, each]),
    )
    return ask(port(), {
      method: 'POST',
      path,
      headers: {
        cookie,
        'content-type': 'application/x-www-form-urlencoded',
        origin: `http://127.0.0.1:${port()}`,
        host: `127.0.0.1:${port()}`,
        ...headers,
      },
      body: new URLSearchParams(pairs).toString(),
    })
  }

  /** As a browser sends it (RFC 7578). */
  async function upload(path: string, parts: Record<string, string | Blob>, cookie = usual()) {
    const form = new FormData()
    for (const [name, part] of Object.entries(parts))
      typeof part === 'string' ? form.set(name, part) : form.set(name, part, 'roster.csv')
    const encoded = new Response(form)
    return ask(port(), {
      method: 'POST',
      path,
      headers: { cookie, 'content-type': encoded.headers.get('content-type')! },
      body: new Uint8Array(await encoded.arrayBuffer()),
    })
  }
  return { get, post, upload }
}

/** As somebody reads it. */
export const plain = (text: string) =>
  text
    .replace(/<title>.*?<\/title>/gs, '')
    .replace(/<[^>]+>/g, ' ')
    .replaceAll('&#39;', "'")
    .replaceAll('&quot;', '"')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')
    .replace(/\s+/g, ' ')

/** The names in a list of people, in order. */
export const namesIn = ({ text }: Answer) =>
  [...text.matchAll(/<th scope="row"><a href="[^"]*"><bdi>([^<]*)<\/bdi>/g)].map(([, name]) => name)

/** The fields of the first tick on a page. */
export function tickIn(text: string): Record<string, string> {
  const form = /<form method="post" action="[^"]*\/tick"[^>]*>([\s\S]*?)<\/form>/.exec(text)?.[1] ?? ''
  return Object.fromEntries([...form.matchAll(/name="(\w+)" value="([^"]*)"/g)].map(([, name, value]) => [name, value]))
}
