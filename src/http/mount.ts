import { MIMEType } from 'node:util'
import express, { type Express, type NextFunction, type Request, type RequestHandler, type Response } from 'express'
import { z } from 'zod'
import { AppError } from '../errors.ts'
import type { Application } from '../journeys/application.ts'
import { callerOf, type Door, demand } from './caller.ts'
import { type FormDeeds, takeFormKey } from './form-key.ts'
import { deepestJson, isDeeperThan } from './json-depth.ts'
import type { Route } from './route.ts'

/** Longest wait that `Prefer: wait=N` gets; proxies give up after a minute. */
const longestWaitSeconds = 50

const jsonLimit = 1024 * 1024
const csvLimit = 10 * 1024 * 1024
const formLimit = 256 * 1024
/** Our forms have a handful of fields. Each part costs far more to read than its bytes say. */
const mostParts = 50

/**
 * Hangs one declared route into the app. The order is the point: who asks is settled before a byte of the body is read.
 */
export function mount(app: Express, route: Route, application: Application, door: Door, deeds: FormDeeds): void {
  const { method, path, authority, contract } = route
  const readBody = bodyReader(contract.body)
  const isPage = route.page
  app[method](path, async (request: Request, response: Response) => {
    response.locals.page = isPage
    const hangUp = new AbortController()
    response.once('close', () => hangUp.abort())
    const caller = isPage || authority !== 'public' ? await callerOf(request, door, application) : null
    response.locals.actor = caller
    const actor = authority === 'public' ? null : demand(caller, authority, isPage)
    await readBody(request, response)
    const waitSeconds = contract.waits ? preferredWait(request, response) : 0
    const key = isForm(contract.body) ? takeFormKey(request.body) : null
    const read = (schema: z.ZodType, value: unknown) => checked(schema, value, isPage)
    const body = schemaOf(contract.body) ? read(schemaOf(contract.body)!, request.body) : request.body
    const query = contract.query ? read(contract.query, request.query) : undefined
    const { params: parameters } = request
    const { signal } = hangUp
    const deed = () => route.handle({ actor, parameters, body, query, waitSeconds, signal, request, response })
    if (key !== null && contract.once) return await deeds.once({ key, actor, path: request.path, body, response }, deed)
    const answer = await deed()
    if (typeof contract.answer !== 'string') response.status(contract.status ?? 200).json(answer)
  })
}

/** RFC 7578, read by Node's own fetch. A field that was left out and a file that was not chosen are not there. */
async function readUpload(request: Request): Promise<Record<string, string | Uint8Array>> {
  const headers = { 'content-type': request.headers['content-type'] ?? '' }
  refuseManyParts(request.body, headers['content-type'])
  const form = await new Response(request.body as Uint8Array<ArrayBuffer>, { headers })
    .formData()
    .catch((cause: unknown) => {
      throw new AppError('INVALID_INPUT', 'the upload did not arrive whole', { hint: 'send it again', cause })
    })
  const fields: Record<string, string | Uint8Array> = {}
  for (const [name, value] of form) {
    if (typeof value === 'string') fields[name] = value
    else if (value.size > 0) fields[name] = new Uint8Array(await value.arrayBuffer())
  }
  return fields
}

/** Counted before anything is made of it; a file that holds the boundary itself is not one that a browser sends. */
function refuseManyParts(body: unknown, contentType: string): void {
  // Read as the one that takes it apart reads it: another reading would count another boundary.
  const boundary = Buffer.from(`--${new MIMEType(contentType).params.get('boundary') ?? ''}`)
  if (!Buffer.isBuffer(body)) return
  let parts = 0
  for (let at = body.indexOf(boundary); at !== -1; at = body.indexOf(boundary, at + boundary.length)) {
    parts += 1
    if (parts > mostParts + 1)
      throw new AppError('TOO_LARGE', `the upload has more than ${mostParts} parts`, { hint: 'send the form as it is' })
  }
}

function isUpload(body: Route['contract']['body']): body is { readonly upload: z.ZodType } {
  return typeof body === 'object' && 'upload' in body
}

function isForm(body: Route['contract']['body']): body is { readonly form: z.ZodType } {
  return typeof body === 'object' && 'form' in body
}

function schemaOf(body: Route['contract']['body']): z.ZodType | null {
  if (isForm(body)) return body.form
  if (isUpload(body)) return body.upload
  return body instanceof z.ZodType ? body : null
}

/** The body parsers as promises, so that they run after the caller is known and throw into the route. */
function bodyReader(body: Route['contract']['body']): (request: Request, response: Response) => Promise<void> {
  if (body === undefined) return async () => undefined
  const kind = body === 'csv' ? 'csv' : isForm(body) ? 'form' : isUpload(body) ? 'upload' : 'json'
  const type = {
    csv: 'text/csv',
    form: 'application/x-www-form-urlencoded',
    upload: 'multipart/form-data',
    json: 'application/json',
  }[kind]
  // No inflating: a small body must not become a large one.
  const common = { inflate: false, type }
  const parser = {
    csv: express.raw({ limit: csvLimit, ...common }),
    form: express.urlencoded({ limit: formLimit, extended: false, parameterLimit: 1_000, ...common }),
    upload: express.raw({ limit: csvLimit, ...common }),
    json: express.json({ limit: jsonLimit, verify: (_request, _response, text) => refuseDeep(text), ...common }),
  }[kind]
  return async (request, response) => {
    if (!hasBody(request)) {
      if (kind === 'csv') throw wrongType(type)
      if (kind === 'form' || kind === 'upload') request.body = {}
      return
    }
    if (!request.is(type)) throw wrongType(type)
    await run(parser, request, response)
    if (kind === 'upload') request.body = await readUpload(request)
  }
}

function run(handler: RequestHandler, request: Request, response: Response): Promise<void> {
  return new Promise((resolve, reject) => {
    const next: NextFunction = (error?: unknown) => (error === undefined ? resolve() : reject(error))
    handler(request, response, next)
  })
}

/** RFC 9112 section 6: a request has a body when it says how long it is; an empty one counts as none. */
function hasBody(request: Request): boolean {
  return request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0
}

function wrongType(type: string): AppError {
  return new AppError('INVALID_INPUT', `the body must be ${type}`, { hint: `send it with \`Content-Type: ${type}\`` })
}

function refuseDeep(text: Uint8Array): void {
  if (isDeeperThan(text, deepestJson)) {
    throw new AppError('INVALID_INPUT', `the body is nested deeper than ${deepestJson} levels`, {
      hint: 'the shapes are described at /api/v1/openapi.json',
    })
  }
}

function checked(schema: z.ZodType, value: unknown, isPage: boolean): unknown {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const problems = result.error.issues.slice(0, 100).map((issue) => ({
    ...(issue.path.length === 0 ? {} : { field: issue.path.join('.') }),
    message: `${issue.message.charAt(0).toLowerCase()}${issue.message.slice(1)}`,
  }))
  // Whoever fills in our own form only comes here with a field that was made longer or left out by hand.
  if (isPage)
    throw new AppError('INVALID_INPUT', 'this form did not arrive as the page offers it', {
      hint: 'open the page again and send it from there',
    })
  throw new AppError('INVALID_INPUT', 'the request does not have the expected shape', {
    hint: 'the shapes are described at /api/v1/openapi.json',
    problems,
  })
}

function preferredWait(request: Request, response: Response): number {
  const match = /(?:^|[,;\s])wait\s*=\s*"?([0-9]{1,6})"?/i.exec(request.get('prefer') ?? '')
  if (!match) return 0
  const seconds = Math.min(Number(match[1]), longestWaitSeconds)
  response.set('Preference-Applied', `wait=${seconds}`)
  return seconds
}
