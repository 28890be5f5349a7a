import type { AddressInfo, Server, Socket } from 'node:net'

/** A listener that can be shut and opened again on the same port, as a machine that is switched off and on. */
export interface Door {
  readonly port: number
  readonly openSockets: () => number
  /** Nobody is let in, and who is in is thrown out. */
  shut(): Promise<void>
  open(): Promise<void>
}

export async function openDoor(server: Server): Promise<Door> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    // The other side may leave in the middle of a sentence; that is part of the tests.
    socket.on('error', () => undefined)
  })
  const listen = (port: number) => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  await listen(0)
  const { port } = server.address() as AddressInfo
  return {
    port,
    openSockets: () => sockets.size,
    async shut() {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of sockets) socket.destroy()
      await closed
    },
    open: () => listen(port),
  }
}
