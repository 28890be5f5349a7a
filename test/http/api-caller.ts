import { afterAll, beforeAll, expect } from 'vitest'
import { z } from 'zod'
import { consoleRoutes } from '../../src/http/console.ts'
import { type Doors, openDoors } from './doors.ts'
import { type Answer, ask, jsonBody } from './http-client.ts'

/** As far as tests look into it. */
export type ApiBody = Record<string, unknown> & {
  id: string
  handsets: { id: string; provisioningUrl?: string }[]
  invite: { url: string }
}

/** Doors while the tests of one file run, and whoever asks at the admin socket. */
export function apiOfFile() {
  let doors: Doors
  beforeAll(async () => {
    doors = await openDoors()
  })
  afterAll(async () => doors?.[Symbol.asyncDispose]())

  const covered = new Set<string>()

  /** Asks over the admin socket and holds the answer against the declared shape, with nothing beside it. */
  async function call(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const answer = await ask(doors.socket, {
      method,
      path,
      headers: { ...(body === undefined ? {} : jsonBody), ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
    const bare = path.split('?')[0]!
    const route = consoleRoutes(doors.application, { log, door: 'network', version: '0' }).find(
      (candidate) =>
        candidate.method === method.toLowerCase() &&
        new RegExp(`^${candidate.path.replace(/:[a-z]+/g, '[^/]+')}$`).test(bare),
    )
    if (answer.status < 400 && route?.contract.answer instanceof z.ZodType) {
      covered.add(`${route.method} ${route.path}`)
      expect(route.contract.answer.parse(answer.json)).toEqual(answer.json)
      expect(answer.status).toBe(route.contract.status ?? 200)
    }
    return answer
  }

  return {
    get doors() {
      return doors
    },
    call,
    /** Each way of which an answer was held against its declaration. */
    covered,
  }
}
