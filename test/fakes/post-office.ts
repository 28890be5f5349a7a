/** A real SMTP server on loopback that keeps what it is given, and refuses, delays and falls silent as a test likes. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import { realSystem } from '../../src/system.ts'

export interface Received {
  readonly from: string
  readonly to: readonly string[]
  /** As it came over the wire. */
  readonly raw: string
  readonly secure: boolean
  readonly user: string | null
}

export interface PostOffice extends AsyncDisposable {
  readonly received: Received[]
  /** Connections so far. */
  readonly connections: () => number
  /** Said to the next recipients instead of "OK", one after the other. */
  readonly refusals: { code: number; words: string }[]
  /** Said to the next letters after they were read. */
  readonly returns: { code: number; words: string }[]
  /** While true, nobody gets an answer to a recipient. */
  silent: boolean
  /** What a server needs in its environment to send through here. */
  readonly env: Readonly<Record<string, string>>
}

interface PostOfficeOptions {
  /** Default: plain. `implicit` and `starttls` show a certificate for localhost of an authority of their own. */
  readonly tls?: 'implicit' | 'starttls' | undefined
  readonly login?: { readonly user: string; readonly password: string }
}

export async function openPostOffice({ tls, login }: PostOfficeOptions = {}): Promise<PostOffice> {
  const folder = await mkdtemp(join(tmpdir(), `ringfence-post-${process.pid}-`))
  const files = { key: join(folder, 'key.pem'), cert: join(folder, 'cert.pem'), password: join(folder, 'password') }
  if (tls) await makeCertificate(files)
  await writeFile(files.password, `${login?.password ?? ''}\n`)
  let connections = 0
  const refused = ({ code, words }: { code: number; words: string }) =>
    Object.assign(new Error(words), { responseCode: code })
  const office: Omit<PostOffice, 'env' | keyof AsyncDisposable> = {
    received: [],
    connections: () => connections,
    refusals: [],
    returns: [],
    silent: false,
  }
  const options: SMTPServerOptions = {
    logger: false,
    secure: tls === 'implicit',
    ...(tls ? { key: await readFile(files.key), cert: await readFile(files.cert) } : {}),
    hideSTARTTLS: tls !== 'starttls',
    disabledCommands: login ? [] : ['AUTH'],
    allowInsecureAuth: false,
    closeTimeout: 100,
    onConnect(_session, done) {
      connections += 1
      done()
    },
    onAuth({ username, password }, _session, done) {
      if (login && username === login.user && password === login.password) return done(null, { user: username })
      done(refused({ code: 535, words: 'Authentication credentials invalid' }))
    },
    onRcptTo(_address, _session, done) {
      if (office.silent) return
      const refusal = office.refusals.shift()
      done(refusal ? refused(refusal) : null)
    },
    onData(stream, session, done) {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        const back = office.returns.shift()
        if (back) return done(refused(back))
        const { mailFrom, rcptTo } = session.envelope
        office.received.push({
          from: mailFrom === false ? '' : mailFrom.address,
          to: rcptTo.map(({ address }) => address),
          raw: Buffer.concat(chunks).toString(),
          secure: session.secure,
          user: session.user ? String(session.user) : null,
        })
        done()
      })
    },
  }
  const server = new SMTPServer(options)
  // A client that gives up in the middle is an error here and an ordinary day for a mail server.
  server.on('error', () => undefined)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  const { port } = server.server.address() as AddressInfo
  return Object.assign(office, {
    env: {
      RINGFENCE_SMTP_URL: tls === 'implicit' ? `smtps://localhost:${port}` : `smtp://localhost:${port}`,
      RINGFENCE_SMTP_FROM: 'IT of Example <it@example.com>',
      ...(tls ? { RINGFENCE_SMTP_CA_FILE: files.cert } : {}),
      ...(login ? { RINGFENCE_SMTP_USER: login.user, RINGFENCE_SMTP_PASSWORD_FILE: files.password } : {}),
    },
    async [Symbol.asyncDispose]() {
      await new Promise<void>((resolve) => server.close(() => resolve()))
      await rm(folder, { recursive: true, force: true })
    },
  })
}

async function makeCertificate({ key, cert }: { readonly key: string; readonly cert: string }): Promise<void> {
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
  const made = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']
  await realSystem.run('openssl', [...made, ...subject, '-keyout', key, '-out', cert], {})
}

/** Headers, and the parts in their own words: transfer encodings taken off. */
export function read(raw: string): {
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
  readonly html: string
} {
  const [head = '', ...rest] = raw.split('\r\n\r\n')
  const headers = headersOf(head)
  const boundary = /boundary="?([^";]+)"?/.exec(headers['content-type'] ?? '')?.[1] ?? ''
  const parts = rest
    .join('\r\n\r\n')
    .split(`--${boundary}`)
    .slice(1, -1)
    .map((part) => {
      const [partHead = '', ...body] = part.replace(/^\r\n/, '').split('\r\n\r\n')
      const its = headersOf(partHead)
      return { type: its['content-type'] ?? '', body: decoded(body.join('\r\n\r\n'), its['content-transfer-encoding']) }
    })
  const part = (type: string) => parts.find((one) => one.type.startsWith(type))?.body.replaceAll('\r\n', '\n') ?? ''
  return { headers, text: part('text/plain'), html: part('text/html') }
}

function headersOf(head: string): Record<string, string> {
  const lines = head.replace(/\r\n[ \t]+/g, ' ').split('\r\n')
  return Object.fromEntries(
    lines.filter(Boolean).map((line) => {
      const at = line.indexOf(':')
      return [line.slice(0, at).toLowerCase(), words(line.slice(at + 1).trim())]
    }),
  )
}

/** RFC 2047 section 2. */
function words(text: string): string {
  return text
    .replace(/\?=\s+=\?/g, '?==?')
    .replace(/=\?utf-8\?([bq])\?([^?]*)\?=/gi, (_, encoding: string, body: string) =>
      encoding.toLowerCase() === 'b'
        ? Buffer.from(body, 'base64').toString()
        : decoded(body.replaceAll('_', ' '), 'quoted-printable'),
    )
}

function decoded(body: string, encoding = '7bit'): string {
  if (encoding === 'base64') return Buffer.from(body, 'base64').toString()
  if (encoding !== 'quoted-printable') return body
  const bytes = body
    .replace(/=\r\n/g, '')
    .replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return Buffer.from(bytes, 'latin1').toString()
}
