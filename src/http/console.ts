import { randomBytes } from 'node:crypto'
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express'
import helmet from 'helmet'
import { AppError } from '../errors.ts'
import type { Application } from '../journeys/application.ts'
import { apiRoutes } from './api-routes.ts'
import { health } from './api-shapes.ts'
import { browserGuard } from './browser-guard.ts'
import { callerOf, type Door } from './caller.ts'
import { consolePage } from './console-page.ts'
import { eventStreams } from './event-stream.ts'
import { mount } from './mount.ts'
import { openApiDocument } from './openapi.ts'
import { edgeError, problemContentType, problemDocument } from './problem.ts'
import { loggablePath, type RequestLog } from './request-log.ts'
import { type Route, route } from './route.ts'
import { pageStyle } from './style.ts'

export interface ConsoleOptions {
  readonly log: RequestLog
  /** Which listener this app serves; main makes one app for each. */
  readonly door: Door
  /** Host names beside localhost and IP addresses under which the console may be opened. */
  readonly hosts?: readonly string[]
  readonly version: string
  /** Default 15 000. */
  readonly heartbeatMs?: number
  /** Ends the event streams; everything else ends by itself. */
  readonly stopping?: AbortSignal
}

/** The console: the page for people, the API, health and metrics. */
export function consoleApp(application: Application, options: ConsoleOptions): Express {
  const app = express()
  app.disable('x-powered-by')
  // Answers are no-store: an entity tag would only cost time.
  app.disable('etag')
  app.set('query parser', 'simple')
  app.use(requestId, requestLine(options), headers(), browserGuard(options.hosts ?? []))
  for (const declared of consoleRoutes(application, options)) mount(app, declared, application, options.door)
  app.use((request) => {
    throw new AppError('NOT_FOUND', `there is no ${request.method} ${loggablePath(request.path)}`, {
      hint: 'the API is described at /api/v1/openapi.json',
    })
  })
  app.use(problemAnswer(options.log))
  return app
}

/** A ring with one door in it. */
const icon =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><path fill="none" stroke="#0a6b5c" stroke-width="5" stroke-linecap="round" d="M11 5.5a12 12 0 1 0 10 0"/></svg>'

/** Every route there is: what is not in this list is not served. */
export function consoleRoutes(application: Application, options: ConsoleOptions): readonly Route[] {
  const events = eventStreams(application, { heartbeatMs: options.heartbeatMs ?? 15_000, stopping: options.stopping })
  const style = pageStyle('console')
  const routes: Route[] = [
    route('get', '/', 'public', { summary: 'A page for people', answer: 'text/html' }, async ({ response }) => {
      const { demo } = application.overview()
      response.type('html').send(consolePage({ demo, version: options.version }))
    }),
    route(
      'get',
      '/assets/console.css',
      'public',
      { summary: 'Its style', answer: 'text/css' },
      async ({ response }) => {
        response.type('css').send(style.text)
      },
    ),
    route(
      'get',
      '/assets/icon.svg',
      'public',
      { summary: 'Its sign', answer: 'image/svg+xml' },
      async ({ response }) => {
        response.type('svg').send(icon)
      },
    ),
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
      '/api/v1/events',
      'read',
      { summary: 'Changes as server-sent events', answer: 'text/event-stream' },
      async ({ request, response }) => {
        events.open(response, async () => (await callerOf(request, options.door, application)) !== null)
      },
    ),
    ...apiRoutes(application),
  ]
  routes.push(
    route(
      'get',
      '/api/v1/openapi.json',
      'public',
      { summary: 'This description', answer: 'application/json' },
      async ({ response }) => {
        response.json(openApiDocument(routes, options.version))
      },
    ),
  )
  return routes
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
        imgSrc: ["'self'"],
        connectSrc: ["'self'"],
        baseUri: ["'none'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
      },
    },
    crossOriginEmbedderPolicy: true,
    frameguard: { action: 'deny' },
    // It would bind every other service of this host name too.
    strictTransportSecurity: false,
  })
  return (request, response, next) => {
    response.setHeader('Cache-Control', 'no-store')
    strict(request, response, next)
  }
}

// Four parameters: express tells an error handler by their number.
function problemAnswer(log: RequestLog): ErrorRequestHandler {
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
    response.status(document.status).type(problemContentType).send(JSON.stringify(document))
  }
}
