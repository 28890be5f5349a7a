import type { ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import { edgeRpc } from '../../src/pbx/edge/edge-rpc.ts'
import { readEdge } from '../../src/pbx/edge/edge-state.ts'
import type { KamailioRpc } from '../../src/pbx/kamailio/kamailio-rpc.ts'
import { issueTestCertificate, makeTestAuthority } from '../lab/test-certificates.ts'
import { requires } from '../setup/requirements.ts'

const key = new Secret('the-key-of-the-edge-for-a-test')
const signal = () => AbortSignal.timeout(5_000)

/** Something that is not quite the edge. */
let server: Server
let rpc: KamailioRpc
let behave: (response: ServerResponse, body: string) => void
let asked: { url: string; authorization: string }[] = []

const missing = requires('openssl').missing
const testWithTls = test.skipIf(missing)

beforeAll(async () => {
  if (missing) return
  const authority = makeTestAuthority('A service CA')
  const { certificate, key: privateKey } = issueTestCertificate(authority, 'edge', ['127.0.0.1'])
  server = createServer({ cert: certificate, key: privateKey }, (request, response) => {
    asked.push({ url: request.url ?? '', authorization: request.headers.authorization ?? '' })
    let body = ''
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => behave(response, body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const bound = server.address()
  const port = typeof bound === 'object' && bound ? bound.port : 0
  rpc = edgeRpc({ address: '127.0.0.1', port, authority: authority.certificate, key })
})
afterAll(() => {
  server?.closeAllConnections()
  server?.close()
})

const answer = (part: object) => (response: ServerResponse, body: string) => {
  const { id } = JSON.parse(body) as { id: number }
  response.end(JSON.stringify({ jsonrpc: '2.0', id, ...part }))
}
const attempt = () => rpc.call('core.uptime', [], signal())

const [refused, unreachable] = ['PBX_REFUSED', 'PBX_UNREACHABLE']

testWithTls.each([
  ['garbage', refused, (response: ServerResponse) => response.end('<html>hello</html>')],
  ['nothing', refused, (response: ServerResponse) => response.end()],
  [
    'the answer to another question',
    refused,
    (response: ServerResponse) => response.end('{"jsonrpc":"2.0","id":-1,"result":{}}'),
  ],
  ['neither result nor error', refused, answer({})],
  ['a page of another server', refused, (response: ServerResponse) => response.writeHead(302, { location: '/' }).end()],
  [
    'half an answer',
    unreachable,
    (response: ServerResponse) => {
      response.writeHead(200, { 'content-length': '1000' })
      response.write('{"jsonrpc":"2.0"', () => response.destroy())
    },
  ],
])('an edge that answers with %s is not believed, and asked again', async (_, code, how) => {
  behave = how
  await expect(attempt()).rejects.toMatchObject({ code, retryable: true })
})

testWithTls('a refusal has the words of Kamailio, whatever the status', async () => {
  behave = (response, body) => {
    response.statusCode = 500
    answer({ error: { code: 500, message: 'Error while fixing TLS configuration (consult server log)' } })(
      response,
      body,
    )
  }
  await expect(rpc.call('tls.reload', [], signal())).rejects.toMatchObject({
    code: 'PBX_REFUSED',
    message: 'the edge refused tls.reload: Error while fixing TLS configuration (consult server log)',
    hint: expect.stringContaining('log'),
  })
})

testWithTls('the key travels in a header, and stands in no address and no error', async () => {
  asked = []
  behave = answer({ result: {} })
  await attempt()
  expect(asked).toEqual([{ url: '/ringfence/rpc', authorization: `Bearer ${key.reveal()}` }])
  behave = (response) => response.writeHead(404).end()
  const error: unknown = await attempt().catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({
    code: 'PBX_REFUSED',
    message: expect.stringMatching(/^the edge at 127\.0\.0\.1:\d+ refused the key/),
  })
  expect(`${String(error)} ${JSON.stringify(error)}`).not.toContain(key.reveal())
})

testWithTls('tables in another form are an error, never empty tables', async () => {
  for (const result of [{}, null, 'ok', [{ slot: 'x' }], [{ entry: 1 }], [{ slot: [{ value: 'x' }] }]]) {
    behave = answer({ result })
    await expect(readEdge(rpc, signal())).rejects.toMatchObject({ code: 'PBX_REFUSED' })
  }
})
