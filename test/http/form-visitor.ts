/** Somebody who is signed in to the console and works with its forms. */
import { ask } from './http-client.ts'

export function formVisitor(port: () => number, usual: () => string) {
  const get = (path: string, cookie = usual()) => ask(port(), { path, headers: { cookie } })
  const post = (path: string, fields: Record<string, string>, cookie = usual(), headers: Record<string, string> = {}) =>
    ask(port(), {
      method: 'POST',
      path,
      headers: { cookie, 'content-type': 'application/x-www-form-urlencoded', ...headers },
      body: new URLSearchParams(fields).toString(),
    })

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

export const plain = (text: string) =>
  text
    .replace(/<[^>]+>/g, ' ')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replace(/\s+/g, ' ')
