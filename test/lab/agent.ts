/**
 * A program for inside a namespace: echo servers, probes and steady streams of datagrams, asked for over Node's channel.
 * Times are of the machine's monotonic clock in milliseconds: they compare with `monotonicMs()` of any process.
 */
import { createSocket, type Socket as DatagramSocket } from 'node:dgram'
import { connect, createServer } from 'node:net'

export interface AgentDeeds {
  /** Echo server. */
  listen(server: { protocol: 'tcp' | 'udp'; address: string; port: number }): Promise<void>
  /** `answered`: echo came back. `refused`: somebody said no. `silent`: nothing within the time. */
  probe(target: Target & { waitMs: number }): Promise<'answered' | 'refused' | 'silent'>
  /** A datagram (or a few bytes on a kept TCP connection) every so often, until `stopStreams`. */
  stream(target: Target & { everyMs: number }): Promise<void>
  stopStreams(what: null): Promise<void>
  /** What came in on this port: at our server, or as echoes to a stream that goes there. */
  received(port: number): Promise<Received>
}

interface Target {
  readonly protocol: 'tcp' | 'udp'
  readonly address: string
  readonly port: number
}

export interface Received {
  readonly count: number
  readonly lastAtMs: number
  /** The longest time between two that followed each other. */
  readonly longestGapMs: number
}

/** Milliseconds of the clock that all processes of this machine share. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

function agent(): AgentDeeds {
  const seen = new Map<number, { count: number; lastAtMs: number; longestGapMs: number }>()
  const streams: (() => void)[] = []

  function note(port: number): void {
    const now = monotonicMs()
    const before = seen.get(port)
    if (!before) seen.set(port, { count: 1, lastAtMs: now, longestGapMs: 0 })
    else {
      before.count += 1
      before.longestGapMs = Math.max(before.longestGapMs, now - before.lastAtMs)
      before.lastAtMs = now
    }
  }

  return {
    listen({ protocol, address, port }) {
      return new Promise((resolve, reject) => {
        if (protocol === 'udp') {
          const socket = boundTo(address)
          socket.on('message', (message, from) => {
            note(port)
            socket.send(message, from.port, from.address)
          })
          socket.once('error', reject)
          socket.bind(port, address, () => resolve())
        } else {
          const server = createServer((socket) => {
            socket.on('data', (bytes) => {
              note(port)
              socket.write(bytes)
            })
            socket.on('error', () => socket.destroy())
          })
          server.once('error', reject)
          server.listen(port, address, () => resolve())
        }
      })
    },
    probe({ protocol, address, port, waitMs }) {
      return new Promise((resolve) => {
        const socket = protocol === 'udp' ? connectedTo(address, port) : connect(port, address)
        const answer = (found: 'answered' | 'refused' | 'silent') => {
          clearTimeout(limit)
          if ('destroy' in socket) socket.destroy()
          else socket.close()
          resolve(found)
        }
        const limit = setTimeout(answer, waitMs, 'silent')
        socket.once('error', () => answer('refused'))
        socket.once('message', () => answer('answered'))
        socket.once('data', () => answer('answered'))
        socket.once('connect', () => ('destroy' in socket ? socket.write('probe') : socket.send('probe')))
      })
    },
    async stream({ protocol, address, port, everyMs }) {
      if (protocol === 'udp') {
        const socket = connectedTo(address, port)
        socket.on('message', () => note(port))
        // Nobody may be there for a while; the next datagram tries again.
        socket.on('error', () => undefined)
        await new Promise<void>((resolve) => socket.once('connect', () => resolve()))
        const timer = setInterval(() => socket.send('stream', () => undefined), everyMs)
        streams.push(() => {
          clearInterval(timer)
          socket.close()
        })
      } else {
        const socket = connect(port, address)
        socket.setNoDelay()
        socket.on('data', () => note(port))
        await new Promise<void>((resolve, reject) => {
          socket.once('connect', () => resolve())
          socket.once('error', reject)
        })
        const timer = setInterval(() => socket.write('stream'), everyMs)
        socket.on('error', () => clearInterval(timer))
        streams.push(() => {
          clearInterval(timer)
          socket.destroy()
        })
      }
    },
    async stopStreams() {
      for (const stop of streams.splice(0)) stop()
    },
    received: async (port) => seen.get(port) ?? { count: 0, lastAtMs: 0, longestGapMs: 0 },
  }
}

function boundTo(address: string): DatagramSocket {
  return createSocket(address.includes(':') ? 'udp6' : 'udp4')
}

function connectedTo(address: string, port: number): DatagramSocket {
  const socket = boundTo(address)
  socket.connect(port, address)
  return socket
}

// Started as a program; imported (for its clock and types) it does nothing.
if (process.send && process.argv[1] === import.meta.filename) {
  const deeds = agent()
  const reply = (message: object) => process.send!(message)
  process.on('message', ({ id, deed, parameters }: { id: number; deed: keyof AgentDeeds; parameters: never }) => {
    deeds[deed](parameters).then(
      (result: unknown) => reply({ id, result }),
      (error: unknown) => reply({ id, error: String(error) }),
    )
  })
  process.on('disconnect', () => process.exit())
  reply({ id: -1 })
}
