import { type IncomingMessage, request } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Doors, openDoors, owner } from './doors.ts'
import { ask, bearer } from './http-client.ts'

let doors: Doors
const stopping = new AbortController()
beforeAll(async () => {
  doors = await openDoors({ console: { heartbeatMs: 20, stopping: stopping.signal } })
})
afterAll(async () => doors?.[Symbol.asyncDispose]())

interface Reader {
  readonly text: () => string
  readonly ended: () => boolean
  readonly response: IncomingMessage
  leave(): void
}

function follow(token: string): Promise<Reader> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { host: '127.0.0.1', port: doors.consolePort, path: '/api/v1/events', headers: bearer(token), agent: false },
      (response) => {
        let text = ''
        let ended = false
        response.on('data', (chunk: Buffer) => {
          text += chunk
        })
        // Being cut off is one way to end.
        response.on('error', () => undefined)
        response.on('close', () => {
          ended = true
        })
        resolve({ text: () => text, ended: () => ended, response, leave: () => outgoing.destroy() })
      },
    )
    outgoing.on('error', reject)
    outgoing.end()
  })
}

describe('the event stream', () => {
  test('without a token there is none', async () => {
    expect((await ask(doors.consolePort, { path: '/api/v1/events' })).status).toBe(401)
    expect(doors.application.subscribers()).toBe(0)
  })

  test('a reader hears every change and a heartbeat, and leaves nothing behind', async () => {
    const reader = await follow(doors.application.tokenFor('auditor'))
    expect(reader.response.headers['content-type']).toMatch(/^text\/event-stream/)
    doors.application.publish({ kind: 'verdict', employeeId: 'e1', data: { system: 'tunnel', text: 'two\nlines' } })
    await expect
      .poll(reader.text)
      .toContain('event: verdict\ndata: {"employeeId":"e1","data":{"system":"tunnel","text":"two\\nlines"}}\n\n')
    await expect.poll(reader.text).toContain(': still here\n\n')
    reader.leave()
    await expect.poll(doors.application.subscribers).toBe(0)
  })

  test('a token that is revoked hears nothing more', async () => {
    const token = doors.application.tokenFor('auditor')
    const reader = await follow(token)
    const mine = (await doors.application.tokens()).at(-1)!
    await doors.application.revokeToken(mine.id, owner)
    await expect.poll(reader.ended).toBe(true)
    expect(doors.application.subscribers()).toBe(0)
  })

  test('a reader that does not read is cut off instead of filling the memory', async () => {
    const reader = await follow(doors.application.tokenFor('auditor'))
    reader.response.pause()
    const data = { filler: 'x'.repeat(64 * 1024) }
    await expect
      .poll(() => {
        for (let round = 0; round < 50; round++) doors.application.publish({ kind: 'import', employeeId: null, data })
        return doors.application.subscribers()
      })
      .toBe(0)
    reader.leave()
  })

  test('one caller has ten of them at most, and others are not kept out by that', async () => {
    const mine = doors.application.tokenFor('auditor')
    const readers = await Promise.all(Array.from({ length: 10 }, () => follow(mine)))
    expect((await ask(doors.consolePort, { path: '/api/v1/events', headers: bearer(mine) })).status).toBe(403)
    const other = await follow(doors.application.tokenFor('helpdesk'))
    expect(other.response.statusCode).toBe(200)
    readers[0]!.leave()
    await expect.poll(doors.application.subscribers).toBe(10)
    const again = await follow(mine)
    expect(again.response.statusCode).toBe(200)
    for (const reader of [...readers, other, again]) reader.leave()
    await expect.poll(doors.application.subscribers).toBe(0)
  })

  test('when the server stops, the streams end', async () => {
    const reader = await follow(doors.application.tokenFor('auditor'))
    stopping.abort()
    await expect.poll(reader.ended).toBe(true)
  })
})
