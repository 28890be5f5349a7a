import { randomBytes } from 'node:crypto'
import express, { type ErrorRequestHandler, type Express, type Request, type RequestHandler } from 'express'
import helmet from 'helmet'
import { AppError } from '../errors.ts'
import type { Application } from '../journeys/application.ts'
import { apiRoutes } from './api-routes.ts'
import { health } from './api-shapes.ts'
import { type Assets, assets } from './assets.ts'
import { browserGuard } from './browser-guard.ts'
import { callerOf, type Door, secureSetting } from './caller.ts'
import { clientAddresses } from './client-address.ts'
import { consolePages } from './console-pages.ts'
import { eventStreams } from './event-stream.ts'
import { formDeeds } from './form-key.ts'
import type { DrawQr } from './join/parts.ts'
import { mount } from './mount.ts'
import { openApiDocument } from './openapi.ts'
import { errorPage } from './pages/error-page.ts'
import type { PageTools } from './pages/layout.ts'
import { eventsQuery } from './people-shapes.ts'
import { edgeError, problemContentType, problemDocument } from './problem.ts'
import { loggablePath, type RequestLog } from './request-log.ts'
import { type Route, route, v1 } from './route.ts'

export interface ConsoleOptions {
  readonly log: RequestLog
  /** Which listener this app serves; main makes one app for each. */
  readonly door: Door
  /** Host names beside localhost and IP addresses under which the console may be opened. */
  readonly hosts?: readonly string[]
  readonly version: string
  /** Default 15 000. */
  readonly heartbeatMs?: number
  /** Of which the word about who is behind them counts. */
  readonly trustedProxies?: readonly string[]
  /** The console's own address as browsers know it: https means that cookies are for TLS only. */
  readonly url?: string
  /** Read once for all listeners where given. */
  readonly assets?: Assets
  /** Ends the event streams; everything else ends by itself. */
  readonly stopping?: AbortSignal
  readonly drawQr?: DrawQr
}

/** The console: pages for people, the API, health and metrics. */
export function consoleApp(application: Application, given: ConsoleOptions): Express {
  const options: ConsoleOptions = { ...given, assets: given.assets ?? assets() }
  const app = express()
  app.disable('x-powered-by')
  // Answers are no-store: an entity tag would only cost time.
  app.disable('etag')
  app.set('query parser', 'simple')
  app.set(secureSetting, options.url?.startsWith('https:') === true)
  app.use(requestId, requestLine(options), headers(), browserGuard(options.hosts ?? []))
  const deeds = formDeeds()
  for (const declared of consoleRoutes(application, options)) mount(app, declared, application, options.door, deeds)
  app.use((request) => {
    if (isVisit(request))
      throw new AppError('NOT_FOUND', 'there is no page at this address', {
        hint: 'it may have been typed wrong, or what it was about is gone',
      })
    throw new AppError('NOT_FOUND', `there is no ${request.method} ${loggablePath(request.path)}`, {
      hint: 'the API is described at /api/v1/openapi.json',
    })
  })
  app.use(problemAnswer(application, options))
  return app
}

/** Every route there is: what is not in this list is not served. */
export function consoleRoutes(application: Application, options: ConsoleOptions): readonly Route[] {
  const events = eventStreams(application, { heartbeatMs: options.heartbeatMs ?? 15_000, stopping: options.stopping })
  const tools = toolsOf(application, options)
  const routes: Route[] = [
    ...tools.assets.routes,
    ...consolePages(application, tools),
    route('get', '/healthz', 'public', { summary: 'The server answers', answer: health }, async () => ({
      status: 'ok' as const,
    })),
    route(
      'get',
      '/metrics',
      'read',
      { summary: 'Figures for Prometheus', answer: 'text/plain' },
      async ({ response }) => {
        // Prometheus text exposition format 0.0.4.
        response.type('text/plain; version=0.0.4; charset=utf-8').send(await application.metrics())
      },
    ),
    route(
      'get',
      `${v1}/events`,
      'read',
      { summary: 'Changes as server-sent events', query: eventsQuery, answer: 'text/event-stream' },
      async ({ actor, request, response, query }) => {
        const stillAllowed = async () => (await callerOf(request, options.door, application)) !== null
        events.open(response, { name: `${actor.via} ${actor.name}`, stillAllowed }, query.employee)
      },
    ),
    ...apiRoutes(application),
  ]
  routes.push(
    route(
      'get',
      `${v1}/openapi.json`,
      'public',
      { summary: 'This description', answer: 'application/json' },
      async ({ response }) => {
        response.json(openApiDocument(routes, options.version))
      },
    ),
  )
  return routes
}

function toolsOf(application: Application, options: ConsoleOptions): PageTools {
  return {
    assets: options.assets ?? assets(),
    version: options.version,
    demo: () => application.overview().demo,
    addressOf: clientAddresses(options.trustedProxies ?? []),
    drawQr: options.drawQr,
  }
}

/** Somebody typed or followed an address: they get a page, not JSON. */
function isVisit({ method, headers, path }: Request): boolean {
  return method === 'GET' && !path.startsWith('/api/') && (headers.accept ?? '').includes('text/html')
}

/** Ours, never the caller's: a log line must not be forged from outside. */
const requestId: RequestHandler = (_request, response, next) => {
  response.setHeader('X-Request-Id', randomBytes(8).toString('hex'))
  next()
}

function requestLine({ log, door }: ConsoleOptions): RequestHandler {
  return (request, response, next) => {
    const startedAt = performance.now()
    response.once('close', () => {
      log.info(
        {
          request: response.getHeader('X-Request-Id'),
          door,
          method: request.method,
          path: loggablePath(request.url),
          status: response.statusCode,
          ms: Math.round(performance.now() - startedAt),
          from: request.socket.remoteAddress,
        },
        'console',
      )
    })
    next()
  }
}

function headers(): RequestHandler {
  const strict = helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        // data: is what the style sheet draws arrows and marks with.
        imgSrc: ["'self'", 'data:'],
        connectSrc: ["'self'"],
        baseUri: ["'none'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
      },
    },
    crossOriginEmbedderPolicy: true,
    frameguard: { action: 'deny' },
    // With no-referrer a browser sends `Origin: null` with our own forms (Fetch standard, "append a request Origin header").
    referrerPolicy: { policy: 'same-origin' },
    // It would bind every other service of this host name too.
    strictTransportSecurity: false,
  })
  return (request, response, next) => {
    response.setHeader('Cache-Control', 'no-store')
    strict(request, response, next)
  }
}

// Four parameters: express tells an error handler by their number.
function problemAnswer(application: Application, options: ConsoleOptions): ErrorRequestHandler {
  const { log } = options
  const tools = toolsOf(application, options)
  return (thrown, request, response, _next) => {
    const error = edgeError(thrown)
    if (error.code === 'INTERNAL') {
      const request = response.getHeader('X-Request-Id')
      log.error({ request, err: error.cause ?? error }, 'a request failed for a reason of our own')
    }
    if (response.headersSent) return void response.destroy()
    const document = problemDocument(error)
    if (document.status === 401) response.setHeader('WWW-Authenticate', 'Bearer')
    if (document.status === 503) response.setHeader('Retry-After', '5')
    // What is left of a refused upload is not read: the connection ends with this answer.
    if (!request.complete) response.setHeader('Connection', 'close')
    const forPeople = response.locals.page === true || (document.status === 404 && isVisit(request))
    if (!forPeople) return void response.status(document.status).type(problemContentType).send(JSON.stringify(document))
    // Followed by script a redirect would put the sign-in page, or nothing, into a part of this one.
    if (document.status === 401 && request.headers['hx-request'] !== undefined)
      return void response
        .status(401)
        .set('HX-Redirect', `/sign-in?next=${encodeURIComponent(request.url)}`)
        .end()
    if (document.status === 401) return void response.redirect(303, `/sign-in?next=${encodeURIComponent(request.url)}`)
    response
      .status(document.status)
      .type('html')
      .send(errorPage(tools, document, response.locals.actor ?? null, request))
  }
}
