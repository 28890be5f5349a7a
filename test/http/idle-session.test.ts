import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { countedPasswords, makeAdministrator } from '../journeys/console-people.ts'
import { type ConsoleWorld, openConsoleWorld } from '../journeys/console-world.ts'
import { ask } from './http-client.ts'

let console_: ConsoleWorld
beforeAll(async () => {
  console_ = await openConsoleWorld({ signIn: { passwords: countedPasswords() } })
})
afterAll(async () => console_?.[Symbol.asyncDispose]())

const live = { 'x-ringfence-live': '1', 'hx-request': 'true' }

function openEvents(cookie: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const headers = { cookie: `ringfence=${cookie}` }
    const stream = request({ port: console_.port, path: '/api/v1/events', headers, agent: false }, (response) => {
      resolve(response.statusCode)
      response.on('error', () => undefined)
      stream.destroy()
    })
    stream.on('error', reject)
    stream.end()
  })
}

describe('a page that was left open', () => {
  test('does not keep its session alive by what it asks by itself', async () => {
    const { cookie } = await makeAdministrator(console_.world, 'Hanna', 'helpdesk')
    const get = (headers: Record<string, string> = {}) =>
      ask(console_.port, { path: '/people', headers: { cookie: `ringfence=${cookie}`, ...headers } })
    await console_.world.travel(1.9 / 24)
    expect((await get()).status).toBe(200)
    await console_.world.travel(1.9 / 24)
    expect((await get(live)).status).toBe(200)
    expect(await openEvents(cookie)).toBe(200)
    await console_.world.travel(0.2 / 24)
    const over = await get(live)
    expect([over.status, over.headers['hx-redirect']]).toEqual([401, '/sign-in?next=%2Fpeople'])
    expect((await get()).status).toBe(303)
  })

  test('says of its live parts that they ask by themselves', async () => {
    const page = await ask(console_.port, { path: '/', headers: { cookie: await console_.signIn('helpdesk') } })
    expect(page.text).toContain('hx-headers="{&quot;x-ringfence-live&quot;:&quot;1&quot;}"')
  })
})
