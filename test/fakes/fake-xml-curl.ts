import { request } from 'node:http'
import { request as tlsRequest } from 'node:https'

/** mod_xml_curl of signalwire/freeswitch: posts a form, takes 200 and XML, and nothing else. */
export interface DirectoryAddress {
  readonly port: number
  readonly credentials: string
  readonly tls?: boolean
}

export interface DirectoryUser {
  readonly id: string
  readonly xml: string
  readonly params: Readonly<Record<string, string>>
  readonly variables: Readonly<Record<string, string>>
}

/** Null: not found, refused or no answer; FreeSWITCH makes no difference. */
export async function askDirectory(
  address: DirectoryAddress,
  form: Readonly<Record<string, string>>,
): Promise<DirectoryUser | null> {
  const answer = await postForm(address, form).catch(() => null)
  if (answer?.status !== 200 || answer.body.includes('<result status="not found"/>')) return null
  return parseUser(answer.body)
}

export function postForm(
  { port, credentials, tls = false }: DirectoryAddress,
  form: Readonly<Record<string, string>> | string,
): Promise<{ status: number; body: string; headers: object }> {
  const body = typeof form === 'string' ? form : new URLSearchParams(form).toString()
  const options = {
    host: '127.0.0.1',
    port,
    method: 'POST',
    path: '/',
    auth: credentials,
    agent: false as const,
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'content-length': Buffer.byteLength(body),
      'user-agent': 'freeswitch-xml/1.0',
    },
  }
  return new Promise((resolve, reject) => {
    const call = (tls ? tlsRequest : request)(
      // mod_xml_curl does not look at the certificate unless it is told to.
      tls ? { ...options, rejectUnauthorized: false } : options,
      (answer) => {
        let text = ''
        answer.setEncoding('utf8')
        answer.on('data', (chunk: string) => {
          text += chunk
        })
        answer.on('error', reject)
        answer.on('end', () => {
          const { date: _, ...headers } = answer.headers
          resolve({ status: answer.statusCode ?? 0, body: text, headers })
        })
      },
    )
    call.on('error', reject)
    call.end(body)
  })
}

/** switch_xml as far as a directory needs it: elements in angle brackets, attributes in double quotes, five entities. */
export function parseUser(xml: string): DirectoryUser {
  const user = /<user((?:\s+[\w-]+="[^"<>]*")*)\s*>/.exec(xml)
  if (!user) throw new Error(`no user in ${xml}`)
  const pairs = (tag: string) =>
    Object.fromEntries(
      [...xml.matchAll(new RegExp(`<${tag}\\s+name="([^"<>]*)"\\s+value="([^"<>]*)"\\s*/>`, 'g'))].map(
        ([, name = '', value = '']) => [plain(name), plain(value)],
      ),
    )
  const id = /\sid="([^"]*)"/.exec(user[1] ?? '')?.[1] ?? ''
  return { id: plain(id), xml, params: pairs('param'), variables: pairs('variable') }
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

/** Stricter than FreeSWITCH, which takes any other ampersand as it stands: no reader of XML would. */
function plain(text: string): string {
  if (/&(?!(amp|lt|gt|quot|apos);)/.test(text)) throw new Error(`an ampersand that stands for nothing in ${text}`)
  return text.replace(/&(amp|lt|gt|quot|apos);/g, (_, name: string) => entities[name]!)
}
