import { createServer } from 'node:net'
import { type Door, openDoor } from './door.ts'

/** mod_event_socket of signalwire/freeswitch as far as a client in inbound mode sees it. */
export interface FakeEventSocket {
  readonly door: Door
  /** Every command, as it came. */
  readonly commands: string[]
  readonly faults: EventSocketFaults
}

export interface EventSocketFaults {
  /** Instead of everything: this, as it is. */
  says: string | null
  /** Says hello and then nothing. */
  silent: boolean
  /** Answers in pieces of one byte. */
  crumbs: boolean
  /** Closes in the middle of the answer. */
  breaksOff: boolean
  aclRefuses: boolean
}

export async function startFakeEventSocket(
  password: string,
  answer: (command: string, headers: Readonly<Record<string, string>>) => Promise<string>,
): Promise<FakeEventSocket> {
  const commands: string[] = []
  const faults: EventSocketFaults = { says: null, silent: false, crumbs: false, breaksOff: false, aclRefuses: false }
  const server = createServer((socket) => {
    const send = (text: string) => {
      const bytes = Buffer.from(text)
      if (faults.breaksOff && /^Content-Type: api/.test(text)) {
        socket.write(bytes.subarray(0, bytes.length - 3))
        return socket.destroySoon()
      }
      if (faults.crumbs) for (const byte of bytes) socket.write(Buffer.of(byte))
      else socket.write(bytes)
    }
    if (faults.says !== null) return send(faults.says)
    if (faults.aclRefuses) {
      const words = 'Access Denied, go away.\n'
      send(`Content-Type: text/rude-rejection\nContent-Length: ${words.length}\n\n${words}`)
      return socket.destroySoon()
    }
    send('Content-Type: auth/request\n\n')
    let isIn = false
    let rest = ''
    let queue = Promise.resolve()
    const handle = async (text: string) => {
      const [command = '', ...lines] = text.split('\n')
      if (!isIn) {
        isIn = command === `auth ${password}`
        send(`Content-Type: command/reply\nReply-Text: ${isIn ? '+OK accepted' : '-ERR invalid'}\n\n`)
        if (isIn) return
        const words = 'Disconnected, goodbye.\n'
        send(`Content-Type: text/disconnect-notice\nContent-Length: ${words.length}\n\n${words}`)
        return void socket.destroySoon()
      }
      commands.push(command)
      if (faults.silent) return
      const headers = Object.fromEntries(lines.map((line) => line.split(/: (.*)/, 2) as [string, string]))
      const body = await answer(command, headers)
      if (command.startsWith('api ')) {
        // An empty answer of a command is given these words (api_exec).
        const whole = body === '' ? '-ERR no reply\n' : body
        send(`Content-Type: api/response\nContent-Length: ${Buffer.byteLength(whole)}\n\n${whole}`)
      } else send(`Content-Type: command/reply\nReply-Text: ${body}\n\n`)
    }
    socket.on('data', (chunk) => {
      rest += chunk
      for (let end = rest.indexOf('\n\n'); end >= 0; end = rest.indexOf('\n\n')) {
        const text = rest.slice(0, end)
        rest = rest.slice(end + 2)
        queue = queue.then(() => handle(text))
      }
    })
  })
  return { door: await openDoor(server), commands, faults }
}
