/** The listeners: the console, the admin socket, and the phone door (on the Internet side and inside the VPN). */
import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import { isLoopback } from '../domain/address.ts'
import type { Secret } from '../domain/secret.ts'
import { AppError } from '../errors.ts'
import { bindPrivately } from './admin-socket.ts'
import { listening } from './listening.ts'

export interface Listener {
  /** Where it listens; the port is the real one when 0 was asked for. Null on a Unix socket. */
  readonly address: { readonly host: string; readonly port: number } | null
  /** Takes no new connections, lets running answers finish for at most `graceMs` (default 3 000), then cuts. */
  stop(graceMs?: number): Promise<void>
}

export interface TlsListener extends Listener {
  /** From the next handshake on; running connections stay. Does nothing without TLS. */
  setCertificate(certificate: TlsCertificate): void
}

/** PEM; `certificate` is the chain, leaf first. */
export interface TlsCertificate {
  readonly certificate: string
  readonly privateKey: Secret
}

export interface ListenAt {
  readonly host: string
  readonly port: number
}

// Against connections that are opened and dripped into: a head within 10 s, a whole request within a minute.
const limits: ServerOptions = {
  headersTimeout: 10_000,
  requestTimeout: 60_000,
  keepAliveTimeout: 15_000,
  connectionsCheckingInterval: 2_000,
}

/** @throws CONFIG_INVALID for an address that others can reach without TLS, unless `allowPlain` */
export async function startConsole(
  app: RequestListener,
  at: ListenAt,
  { tls = null, allowPlain = false }: { readonly tls?: TlsCertificate | null; readonly allowPlain?: boolean } = {},
): Promise<TlsListener> {
  if (!tls && !allowPlain && !isLoopback(at.host)) {
    throw new AppError('CONFIG_INVALID', `the console would be readable on the network at ${at.host}:${at.port}`, {
      hint: 'let it listen on 127.0.0.1 and put a TLS proxy before it; RINGFENCE_ALLOW_PLAIN_CONSOLE=1 if one is there already',
    })
  }
  return startAt(app, at, tls, { mostConnections: 500, patience: limits })
}

/** The console for the one who may open a file in the data folder. */
export async function startAdminSocket(app: RequestListener, path: string): Promise<Listener> {
  const server = createServer(limits, app)
  const removeSocket = await bindPrivately(server, path)
  return {
    address: null,
    async stop(graceMs) {
      await stopServer(server, graceMs)
      await removeSocket()
    },
  }
}

/** `tls` null: a proxy before it ends TLS. `patience` is how long it waits for a request, as node:http means it. */
export async function startPhoneDoor(
  app: RequestListener,
  at: ListenAt,
  tls: TlsCertificate | null,
  patience: ServerOptions = limits,
): Promise<TlsListener> {
  return startAt(app, at, tls, { mostConnections: 2_000, patience })
}

async function startAt(
  app: RequestListener,
  at: ListenAt,
  tls: TlsCertificate | null,
  { mostConnections, patience }: { readonly mostConnections: number; readonly patience: ServerOptions },
): Promise<TlsListener> {
  const secure = tls ? createTlsServer({ ...patience, ...tlsOptions(tls), handshakeTimeout: 10_000 }, app) : null
  const server = secure ?? createServer(patience, app)
  server.maxConnections = mostConnections
  // Node would answer 417 by itself; the app has the one answer for what it does not serve.
  server.on('checkExpectation', app)
  await listening(server, { host: at.host, port: at.port })
  const bound = server.address()
  return {
    address: bound !== null && typeof bound === 'object' ? { host: bound.address, port: bound.port } : null,
    setCertificate: (certificate) => secure?.setSecureContext(tlsOptions(certificate)),
    stop: (graceMs) => stopServer(server, graceMs),
  }
}

function tlsOptions({ certificate, privateKey }: TlsCertificate) {
  return { cert: certificate, key: privateKey.reveal(), minVersion: 'TLSv1.2' as const }
}

function stopServer(server: Server | TlsServer, graceMs = 3_000): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), graceMs)
    server.close(() => {
      clearTimeout(cut)
      resolve()
    })
    server.closeIdleConnections()
  })
}
