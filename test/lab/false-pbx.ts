import { once } from 'node:events'
import { createServer, type TLSSocket } from 'node:tls'
import type { TestCertificate } from './test-certificates.ts'

/** Somebody who answers in the PBX's place, and takes down what he is told. */
export interface FalsePbx {
  /** What came through a handshake, of all connections. */
  heard(): string
  /** How often he was dialled. */
  dialled(): number
  stop(): Promise<void>
}

export async function startFalsePbx(
  { address, port }: { readonly address: string; readonly port: number },
  { certificate, key }: TestCertificate,
): Promise<FalsePbx> {
  const sockets = new Set<{ destroy(): void }>()
  let [dialled, heard] = [0, '']
  const server = createServer({ cert: certificate, key }, (socket: TLSSocket) => {
    socket.on('error', () => undefined)
    socket.on('data', (chunk: Buffer) => {
      heard += chunk.toString('latin1')
    })
  })
  server.on('tlsClientError', () => undefined)
  server.on('connection', (socket) => {
    dialled += 1
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.listen(port, address)
  await once(server, 'listening')
  return {
    heard: () => heard,
    dialled: () => dialled,
    async stop() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
