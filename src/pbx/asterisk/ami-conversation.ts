import type { Socket } from 'node:net'
import { AppError } from '../../errors.ts'
import { unreached } from '../not-reached.ts'

/** The talk on one connection: questions out, answers and lists matched to them by ActionID. */

/** One message. Keys may come several times (`Output`, `Variable`). */
export type AmiMessage = ReadonlyMap<string, readonly string[]>

/** An action in the order it is sent; the name comes from `Action`. */
export type AmiAction = Readonly<Record<string, string>>

export interface AmiSession {
  /** `Asterisk Call Manager/11.0.0`: the version of the protocol, not of Asterisk. */
  readonly banner: string
  /** The answer, whatever it says. */
  ask(action: AmiAction): Promise<AmiMessage>
  /** The answer; PBX_REFUSED when it is not a success. */
  act(action: AmiAction): Promise<AmiMessage>
  /** Every event of a list action, complete or an error. `emptyWords`: the error text that means "there are none". */
  list(action: AmiAction, emptyWords?: string): Promise<readonly AmiMessage[]>
}

interface Pending {
  readonly name: string
  readonly isList: boolean
  /** Bytes of the question. */
  readonly size: number
  readonly events: AmiMessage[]
  answer: AmiMessage | null
  readonly resolve: (result: { answer: AmiMessage; events: readonly AmiMessage[] }) => void
  readonly reject: (error: AppError) => void
}

// Far above what a PBX says, far below what would hurt: a peer that never ends its line must not fill the memory.
const longestMessage = 1024 * 1024
const longestList = 500_000

/**
 * Asterisk takes at most 1,024 bytes from one TLS record, and looks for the rest only when more arrives (get_input in
 * main/manager.c; seen with 22.10.1: of 49 questions that went together it answered 16). What is unanswered stays below.
 */
const mostUnanswered = 1_000

/** The first value of a key, or an empty string: AMI leaves out what it does not know. */
export function field(message: AmiMessage, key: string): string {
  return message.get(key.toLowerCase())?.[0] ?? ''
}

/** Speaks on a socket that is connected. `fail` ends every question that waits, with this error. */
export function conversation(socket: Socket, timeoutMs: number) {
  const pending = new Map<string, Pending>()
  const banner = Promise.withResolvers<string>()
  // Nobody waits for the banner once the login has failed; its rejection must not end the process.
  banner.promise.catch(() => undefined)
  let bannerSeen = false
  const unsent: { readonly id: string; readonly text: string }[] = []
  let unanswered = 0
  let counter = 0
  let over: AppError | null = null
  let rest = ''

  const fail = (error: AppError) => {
    over ??= error
    banner.reject(over)
    for (const one of pending.values()) one.reject(over)
    pending.clear()
  }
  const bannerTimer = setTimeout(() => fail(unreachable('the PBX accepted the connection but said nothing')), timeoutMs)
  banner.promise.then(
    () => clearTimeout(bannerTimer),
    () => clearTimeout(bannerTimer),
  )

  socket.setEncoding('utf8')
  socket.setNoDelay(true)
  socket.on('error', (cause) => fail(unreachable('the connection to the PBX broke', cause)))
  socket.on('close', () => fail(unreachable('the PBX closed the connection')))
  socket.on('data', (chunk: string) => {
    rest += chunk
    if (!bannerSeen) {
      const end = rest.indexOf('\r\n')
      if (end < 0) return rest.length > 200 ? notAmi() : undefined
      if (!rest.startsWith('Asterisk Call Manager/')) return notAmi()
      bannerSeen = true
      banner.resolve(rest.slice(0, end))
      rest = rest.slice(end + 2)
    }
    let from = 0
    for (let end = rest.indexOf('\r\n\r\n', from); end >= 0; end = rest.indexOf('\r\n\r\n', from)) {
      deliver(parseMessage(rest.slice(from, end)))
      from = end + 4
    }
    rest = rest.slice(from)
    if (rest.length > longestMessage) {
      fail(unreachable('the PBX sent a message without an end'))
      socket.destroy()
    }
  })

  function notAmi() {
    fail(
      new AppError('PBX_REFUSED', 'what answers at the address of the PBX is not an Asterisk manager interface', {
        hint: 'check RINGFENCE_PBX_AMI: the manager interface has usually port 5038 (manager.conf)',
        retryable: true,
      }),
    )
    socket.destroy()
  }

  function deliver(message: AmiMessage) {
    const id = field(message, 'ActionID')
    const one = pending.get(id)
    // Events that belong to nobody's question: none were asked for, some come all the same (FullyBooted).
    if (!one) return
    if (message.has('response')) {
      one.answer = message
      if (!one.isList || field(message, 'Response') !== 'Success' || !startsList(message)) finish(id, one)
      return
    }
    if (!one.isList) return
    if (field(message, 'EventList').toLowerCase() === 'complete') return complete(id, one, message)
    one.events.push(message)
    if (one.events.length > longestList) {
      settle(id, one)
      one.reject(unreachable(`the answer of the PBX to ${one.name} does not end`))
    }
  }

  /** The list says itself how long it is; fewer events than that is a partial read, which must not pass for a whole one. */
  function complete(id: string, one: Pending, last: AmiMessage) {
    const announced = field(last, 'ListItems')
    if (announced === '' || Number(announced) === one.events.length) return finish(id, one)
    settle(id, one)
    one.reject(unreachable(`the PBX announced ${announced} entries for ${one.name} and sent ${one.events.length}`))
  }

  function finish(id: string, one: Pending) {
    settle(id, one)
    if (one.answer) one.resolve({ answer: one.answer, events: one.events })
    else one.reject(unreachable(`the PBX ended its list for ${one.name} without an answer`))
  }

  function settle(id: string, { size }: Pending) {
    pending.delete(id)
    unanswered -= size
    sendNext()
  }

  function sendNext() {
    for (let next = unsent[0]; next; next = unsent[0]) {
      const size = pending.get(next.id)?.size ?? 0
      if (unanswered > 0 && unanswered + size > mostUnanswered) return
      unsent.shift()
      // Nobody waits for it any more.
      if (size === 0) continue
      unanswered += size
      socket.write(next.text)
    }
  }

  function request(action: AmiAction, isList: boolean) {
    const name = action.Action ?? ''
    const id = `rf${++counter}`
    const text = encodeAction({ ...action, ActionID: id })
    return new Promise<{ answer: AmiMessage; events: readonly AmiMessage[] }>((resolve, reject) => {
      if (over) return reject(over)
      const timer = setTimeout(() => {
        // One that was sent is still to be answered, and stands in the way until then.
        if (unsent.some((one) => one.id === id)) pending.delete(id)
        reject(unreachable(`the PBX did not answer ${name} in time`))
      }, timeoutMs)
      pending.set(id, {
        name,
        isList,
        size: Buffer.byteLength(text),
        events: [],
        answer: null,
        resolve: (result) => {
          clearTimeout(timer)
          resolve(result)
        },
        reject: (error) => {
          clearTimeout(timer)
          reject(error)
        },
      })
      unsent.push({ id, text })
      sendNext()
    })
  }

  const session = {
    ask: async (action: AmiAction) => (await request(action, false)).answer,
    async act(action: AmiAction) {
      const { answer } = await request(action, false)
      if (field(answer, 'Response') !== 'Success') throw refused(action, answer)
      return answer
    },
    async list(action: AmiAction, emptyWords?: string) {
      const { answer, events } = await request(action, true)
      if (field(answer, 'Response') === 'Success' && startsList(answer)) return events
      if (emptyWords !== undefined && field(answer, 'Message').trim() === emptyWords) return []
      throw refused(action, answer)
    },
  }
  return { banner: banner.promise, session, fail, send: (text: string) => socket.write(text) }
}

/** Voicemail says "there is none" as a success without a list (apps/app_voicemail.c). */
function startsList(answer: AmiMessage): boolean {
  return field(answer, 'EventList').toLowerCase() === 'start'
}

/** A value with a line break would be a second action of the caller's choosing. */
function encodeAction(action: AmiAction): string {
  let text = ''
  for (const [key, value] of Object.entries(action)) {
    if (!/^[A-Za-z0-9_-]+$/.test(key) || /[\r\n\0]/.test(value)) {
      throw new AppError(
        'INVALID_INPUT',
        `a value for the PBX holds a line break (${JSON.stringify(key.slice(0, 40))})`,
      )
    }
    text += `${key}: ${value}\r\n`
  }
  return `${text}\r\n`
}

function parseMessage(text: string): AmiMessage {
  const message = new Map<string, string[]>()
  for (const line of text.split('\r\n')) {
    const colon = line.indexOf(':')
    if (colon < 0) continue
    const key = line.slice(0, colon).trim().toLowerCase()
    const value = line.slice(colon + 1).replace(/^ /, '')
    const values = message.get(key)
    if (values) values.push(value)
    else message.set(key, [value])
  }
  return message
}

function refused(action: AmiAction, answer: AmiMessage): AppError {
  const words = field(answer, 'Message').slice(0, 200)
  const isPermission = /permission denied/i.test(words)
  return new AppError('PBX_REFUSED', `the PBX refused ${action.Action}${words ? `: ${words}` : ''}`, {
    hint: isPermission
      ? 'give the manager user the classes that docs/asterisk.md lists (read and write lines in manager.conf)'
      : "look into Asterisk's log of this minute",
    retryable: true,
  })
}

export const managerHint =
  'check that Asterisk runs, that manager.conf has `enabled = yes`, and that RINGFENCE_PBX_AMI names its address and port (of TLS, with RINGFENCE_PBX_AMI_TLS=yes)'

/** Nobody there, or not any more; another try may help. */
export function unreachable(message: string, cause?: unknown): AppError {
  return unreached(message, managerHint, cause)
}
