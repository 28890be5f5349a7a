import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import type { RpcAddress } from '../../src/pbx/kamailio/kamailio-options.ts'
import { kamailioRpc } from '../../src/pbx/kamailio/kamailio-rpc.ts'
import { issueTestCertificate, makeTestAuthority } from '../lab/test-certificates.ts'

const limit = () => AbortSignal.timeout(20_000)
const secret = new Secret('a-secret-of-the-test')

describe('whoever answers in the place of Kamailio', () => {
  const servers: Server[] = []
  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections()
      server.close()
    }
  })

  async function answering(
    body: (request: IncomingMessage, response: ServerResponse) => void,
    tls?: { cert: string; key: string },
  ): Promise<RpcAddress> {
    const server = tls ? createTlsServer(tls, body) : createServer(body)
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return { host: '127.0.0.1', port: (server.address() as AddressInfo).port, secret, tls: null }
  }
  const ask = (address: RpcAddress, signal = limit()) => kamailioRpc(address).call('ul.dump', [], signal)

  test.each([
    ['nothing', ''],
    ['a page', '<html>hello</html>'],
    ['half an answer', '{"jsonrpc":"2.0","result":{'],
    ['another kind of answer', '{"ok":true}'],
  ])('with %s is not believed', async (_title, text) => {
    const address = await answering((_request, response) => response.end(text))
    await expect(ask(address)).rejects.toMatchObject({ code: 'PBX_REFUSED', retryable: true })
  })

  test('and breaks off in the middle counts as unreachable', async () => {
    const address = await answering((_request, response) => {
      response.writeHead(200, { 'content-length': '100' })
      response.write('{"jsonrpc"', () => response.destroy())
    })
    await expect(ask(address)).rejects.toMatchObject({ code: 'PBX_UNREACHABLE', retryable: true })
  })

  test('and never answers is given up when the caller says so', async () => {
    const address = await answering(() => undefined)
    const before = performance.now()
    await expect(ask(address, AbortSignal.timeout(200))).rejects.toMatchObject({
      code: 'PBX_UNREACHABLE',
      message: expect.stringContaining('did not answer in time'),
    })
    expect(performance.now() - before).toBeLessThan(5_000)
  })

  test('and refuses the secret is told apart, without the secret in the words', async () => {
    const address = await answering((_request, response) => response.writeHead(401).end())
    const error = await ask(address).catch((caught: Error) => caught)
    expect(error).toMatchObject({ code: 'PBX_REFUSED', message: expect.stringContaining('401') })
    expect(JSON.stringify(error) + String(error)).not.toContain(secret.reveal())
  })

  test('with a certificate of somebody else is not told the secret', async () => {
    const [ours, theirs] = [makeTestAuthority('ours'), makeTestAuthority('theirs')]
    let asked = 0
    const { certificate, key } = issueTestCertificate(ours, 'pbx', ['127.0.0.1'])
    const place = await answering(
      (_request, response) => {
        asked++
        response.end('{"jsonrpc":"2.0","result":[],"id":1}')
      },
      { cert: certificate, key },
    )
    for (const tls of [{}, { ca: theirs.certificate }])
      await expect(ask({ ...place, tls })).rejects.toMatchObject({
        code: 'PBX_UNREACHABLE',
        message: expect.stringContaining('certificate that is not trusted'),
      })
    expect(asked).toBe(0)
    expect(await ask({ ...place, tls: { ca: ours.certificate } })).toEqual([])
    const renamed = issueTestCertificate(ours, 'pbx', ['10.0.0.9'])
    const other = await answering((_request, response) => response.end('{}'), {
      cert: renamed.certificate,
      key: renamed.key,
    })
    await expect(ask({ ...other, tls: { ca: ours.certificate } })).rejects.toMatchObject({ code: 'PBX_UNREACHABLE' })
  })
})
