import { createHash } from 'node:crypto'
import { createServer } from 'node:net'
import { type Door, openDoor } from './door.ts'

/** A manager interface that misbehaves on purpose: what a real Asterisk cannot be made to do in a test. */
export interface FakeAmi {
  readonly port: number
  /** Everything it was sent, as it came. */
  readonly received: () => string
  readonly openSockets: () => number
  readonly door: Door
  stop(): Promise<void>
}

export interface FakeAmiBehaviour {
  readonly banner?: string
  readonly secret?: string
  /** The reply to an action, whole messages; null: silence; 'hang-up': the connection ends. */
  readonly reply: (action: Readonly<Record<string, string>>) => string | null | 'hang-up'
}

export async function startFakeAmi(behaviour: FakeAmiBehaviour): Promise<FakeAmi> {
  let received = ''
  const server = createServer((socket) => {
    socket.write(behaviour.banner ?? 'Asterisk Call Manager/11.0.0\r\n')
    let rest = ''
    socket.on('data', (chunk) => {
      received += chunk
      rest += chunk
      for (let end = rest.indexOf('\r\n\r\n'); end >= 0; end = rest.indexOf('\r\n\r\n')) {
        const lines = rest.slice(0, end).split('\r\n')
        rest = rest.slice(end + 4)
        const action = Object.fromEntries(lines.map((line) => line.split(': ', 2) as [string, string]))
        if (action.Action === 'Logoff') continue
        const reply = logIn(action, behaviour.secret ?? 'secret') ?? behaviour.reply(action)
        if (reply === 'hang-up') socket.destroy()
        else if (reply !== null) socket.write(reply)
      }
    })
  })
  const door = await openDoor(server)
  return { port: door.port, received: () => received, openSockets: door.openSockets, door, stop: door.shut }
}

/** One message of the protocol. */
export function amiMessage(fields: Readonly<Record<string, string | number | undefined>>): string {
  const lines = Object.entries(fields).flatMap(([key, value]) => (value === undefined ? [] : [`${key}: ${value}\r\n`]))
  return `${lines.join('')}\r\n`
}

function logIn(action: Readonly<Record<string, string>>, secret: string): string | null {
  const { ActionID } = action
  if (action.Action === 'Challenge') return amiMessage({ Response: 'Success', ActionID, Challenge: '4711' })
  if (action.Action !== 'Login') return null
  const isRight = action.Key === createHash('md5').update(`4711${secret}`).digest('hex')
  return amiMessage(
    isRight ? { Response: 'Success', ActionID } : { Response: 'Error', ActionID, Message: 'Authentication failed' },
  )
}
