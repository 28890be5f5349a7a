/**
 * A form whose deed cannot be undone, or whose answer is shown once, carries a key that is made with its page. The same
 * key with the same fields is the same click: clicked twice, sent again by a reload or by a browser that lost the
 * connection, it is done once, and every asker gets the answer of the first.
 * - Fields that were changed are another deed: whoever goes back and corrects something is not answered with what was.
 * - What was refused did nothing, and may be tried again with the same key.
 * - Keys live in memory. One of an earlier process is refused, since nobody knows whether its deed was done.
 */
import { createHash, randomUUID } from 'node:crypto'
import type { Response } from 'express'
import type { Actor } from '../domain/token.ts'
import { AppError } from '../errors.ts'
import { type Html, html } from './html.ts'

const fieldName = 'formKey'
/** Answers hold one-time links: no longer than somebody may still be looking at the page. */
const answerKeptMs = 10 * 60_000
const mostAnswers = 200
/** That it was done is remembered for longer than how it was answered. */
const mostDeeds = 20_000
/** What an answer of ours says beside its body. */
const answerHeaders = ['content-type', 'location', 'hx-redirect'] as const

/** Goes into the form. */
export function formKeyField(): Html {
  return html`<input type="hidden" name="${fieldName}" value="${`${thisProcess()}.${randomUUID()}`}">`
}

/** Two starts of this program never share it. */
function thisProcess(): string {
  return `${process.pid}-${performance.timeOrigin}`
}

/** Takes the key out of a body, so that the form's own schema does not see it; null where there is none. */
export function takeFormKey(body: unknown): string | null {
  if (typeof body !== 'object' || body === null || !(fieldName in body)) return null
  const { [fieldName]: key } = body
  delete body[fieldName]
  return typeof key === 'string' && key.length <= 100 ? key : null
}

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Buffer
}

export interface Sending {
  readonly key: string
  readonly actor: Actor | null
  readonly path: string
  readonly body: unknown
  readonly response: Response
}

export interface FormDeeds {
  /** Runs the deed, or answers as its first run did. @throws CONFLICT when that answer is not known any more */
  once(sending: Sending, deed: () => Promise<unknown>): Promise<void>
}

export function formDeeds(now: () => number = Date.now): FormDeeds {
  /** Null: it was done, and the answer is forgotten. */
  const deeds = new Map<string, { readonly at: number; answer: Promise<Answer | null> | null }>()
  const forget = () => {
    const withAnswer = [...deeds.values()].filter(({ answer }) => answer !== null)
    for (const [index, entry] of withAnswer.entries())
      if (entry.at < now() - answerKeptMs || index < withAnswer.length - mostAnswers) entry.answer = null
    for (const name of deeds.keys()) {
      if (deeds.size <= mostDeeds) break
      deeds.delete(name)
    }
  }
  return {
    async once({ key, actor, path, body, response }, deed) {
      if (!key.startsWith(`${thisProcess()}.`)) throw tooLate('this page is older than the running Ringfence')
      forget()
      const name = nameOf(key, actor, path, body)
      const known = deeds.get(name)
      if (known) {
        const answer = await known.answer
        if (answer === null) throw tooLate('this form was sent before, and was done then')
        return void response.status(answer.status).set(answer.headers).end(answer.body)
      }
      const answer = answerOf(response, deed)
      deeds.set(name, { at: now(), answer })
      // Also where nobody sends a form for hours.
      setTimeout(forget, answerKeptMs + 1_000).unref()
      try {
        const { status } = await answer
        if (status >= 400) deeds.delete(name)
      } catch (error) {
        deeds.delete(name)
        throw error
      }
    },
  }
}

function nameOf(key: string, actor: Actor | null, path: string, body: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify([key, actor?.via, actor?.name, path, body]))
    .digest('base64')
}

/** Runs it, and keeps what it sends. */
async function answerOf(response: Response, deed: () => Promise<unknown>): Promise<Answer> {
  let sent: string | Buffer = ''
  const end = response.end.bind(response)
  response.end = ((...given: Parameters<typeof response.end>) => {
    const [body] = given as unknown[]
    if (typeof body === 'string' || Buffer.isBuffer(body)) sent = body
    return end(...given)
  }) as typeof response.end
  await deed()
  const headers = answerHeaders.flatMap((name) => {
    const value = response.getHeader(name)
    return value === undefined ? [] : [[name, String(value)]]
  })
  return { status: response.statusCode, headers: Object.fromEntries(headers), body: sent }
}

function tooLate(message: string): AppError {
  return new AppError('CONFLICT', message, {
    hint: 'look whether it was done; if not, open the page again and send it from there',
  })
}
