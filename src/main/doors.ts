/** The listeners: console, admin socket, phone door on the Internet side and inside the VPN. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { isIP } from 'node:net'
import { join } from 'node:path'
import type { Config } from '../config.ts'
import { withoutBrackets } from '../domain/address.ts'
import { Secret } from '../domain/secret.ts'
import { AppError } from '../errors.ts'
import { consoleApp } from '../http/console.ts'
import {
  startAdminSocket,
  startConsole,
  startPhoneDoor,
  type TlsCertificate,
  type TlsListener,
} from '../http/listeners.ts'
import { phoneDoorApp } from '../http/phone-door.ts'
import type { Application } from '../journeys/application.ts'
import type { Log } from '../journeys/context.ts'
import { qrLevel, svg } from '../phones/qr.ts'
import { keepServerCertificate } from '../pki/server-certificate.ts'
import { formatHostPort, type HostPort, type TlsFiles } from '../setting-reader.ts'
import type { System } from '../system.ts'
import type { Foundations } from './foundations.ts'
import type { Undo } from './undo.ts'

export interface Doors {
  readonly console: string
  readonly phoneDoor: string
  readonly adminSocket: string
  readonly doorCertificate: () => { readonly source: 'service-ca' | 'files' | 'off'; readonly notAfter: string | null }
  /** Reads the certificate files again when they changed, and tries the listener inside the VPN again. */
  refresh(): Promise<void>
}

type OwnCertificates = Pick<Foundations, 'vault' | 'authorities' | 'pkiFolder'>

export async function openDoors(
  application: Application,
  {
    config,
    foundations,
    system,
    log,
    undo,
  }: { config: Config; foundations: OwnCertificates; system: System; log: Log; undo: Undo },
): Promise<Doors> {
  const stopping = new AbortController()
  const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  const drawQr = (text: string, content: 'tunnel' | 'address', title: string) =>
    svg(text, qrLevel(content, text), title)
  const options = {
    log,
    version,
    hosts: config.console.hosts,
    url: config.console.url,
    trustedProxies: config.phoneDoor.trustedProxies,
    drawQr,
    stopping: stopping.signal,
  }
  const consoleTls = config.console.tls ? await readTls(config.console.tls) : null
  const web = await startConsole(consoleApp(application, { ...options, door: 'network' }), config.console, {
    tls: consoleTls,
    allowPlain: config.console.allowPlain,
  })
  undo.push(() => web.stop())
  const adminSocket = join(config.dataFolder, 'admin.sock')
  const local = await startAdminSocket(consoleApp(application, { ...options, door: 'admin-socket' }), adminSocket)
  undo.push(() => local.stop())

  let tls = await doorTls(config, foundations, system)
  let stamp = await stampOf(config, system)
  const app = phoneDoorApp(application, {
    log,
    now: system.now,
    trustedProxies: config.phoneDoor.trustedProxies,
    drawQr,
  })
  const outside = await startPhoneDoor(app, config.phoneDoor, tls)
  undo.push(() => outside.stop())
  let inside: TlsListener | null = null
  /** Inside the VPN it is always TLS: phones check the name there too, whatever a proxy outside does. */
  let insideTls: TlsCertificate | null = null
  let whyNotInside = ''
  const openInside = async () => {
    if (inside !== null || config.phoneDoor.inTunnel === null || coversAll(config.phoneDoor, config.phoneDoor.inTunnel))
      return
    try {
      insideTls = tls ?? (await ownCertificate(config, foundations, system))
      inside = await startPhoneDoor(app, config.phoneDoor.inTunnel, insideTls)
    } catch (error) {
      // Without the hub's address on this host (preview, hub elsewhere) there is nothing to listen on.
      // Told once, since it is tried again every few seconds.
      const reason = error instanceof Error ? error.message : ''
      if (reason !== whyNotInside)
        log.info(
          { reason },
          `the phone door inside the VPN (${formatHostPort(config.phoneDoor.inTunnel)}) is not open yet`,
        )
      whyNotInside = reason
    }
  }
  await openInside()
  undo.push(() => inside?.stop())
  // Event streams end first, or a stop would wait for them.
  undo.push(() => stopping.abort())

  return {
    console: `${consoleTls ? 'https' : 'http'}://${urlHost(web.address ?? config.console)}`,
    phoneDoor: `${tls ? 'https' : 'http'}://${urlHost(outside.address ?? config.phoneDoor)}`,
    adminSocket,
    doorCertificate: () => ({
      source: config.phoneDoor.tls === 'off' ? 'off' : config.phoneDoor.tls === 'service-ca' ? 'service-ca' : 'files',
      notAfter: tls === null ? null : new Date(new X509Certificate(tls.certificate).validTo).toISOString(),
    }),
    async refresh() {
      await openInside()
      const now = await stampOf(config, system)
      if (now === stamp) return
      const fresh = await doorTls(config, foundations, system)
      const freshInside = inside && (fresh ?? (await ownCertificate(config, foundations, system)))
      stamp = now
      let renewed = false
      if (fresh && fresh.certificate !== tls?.certificate) {
        outside.setCertificate(fresh)
        tls = fresh
        renewed = true
      }
      if (freshInside && freshInside.certificate !== insideTls?.certificate) {
        inside?.setCertificate(freshInside)
        insideTls = freshInside
        renewed = true
      }
      if (renewed) log.info({}, 'the phone door shows its new certificate')
    },
  }
}

async function doorTls(config: Config, foundations: OwnCertificates, system: System): Promise<TlsCertificate | null> {
  const { tls } = config.phoneDoor
  if (tls === 'off') return null
  return tls === 'service-ca' ? ownCertificate(config, foundations, system) : readTls(tls)
}

/** Of the Service CA, for every name and address under which the door may be dialled. */
async function ownCertificate(
  config: Config,
  { vault, authorities, pkiFolder }: OwnCertificates,
  system: System,
): Promise<TlsCertificate> {
  const host = withoutBrackets(new URL(config.phoneDoor.url).hostname)
  const names = [
    ...new Set([
      host,
      config.phoneDoor.host,
      ...(config.phoneDoor.inTunnel ? [config.phoneDoor.inTunnel.host] : []),
      'localhost',
    ]),
  ]
  return keepServerCertificate(
    { path: join(pkiFolder, 'phone-door-certificate.json'), vault, authority: authorities.service },
    {
      commonName: host,
      dnsNames: names.filter((name) => !isIP(name)),
      addresses: names.filter((name) => isIP(name)),
      now: system.now(),
      validDays: 397,
    },
  )
}

async function readTls({ certificateFile, keyFile }: TlsFiles): Promise<TlsCertificate> {
  try {
    const [certificate, key] = await Promise.all([readFile(certificateFile, 'utf8'), readFile(keyFile, 'utf8')])
    // Half-written or swapped files must not replace a pair that works.
    if (!new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key)))
      throw new Error("the key is not the certificate's")
    return { certificate, privateKey: new Secret(key) }
  } catch (cause) {
    throw new AppError('CONFIG_INVALID', `the certificate files ${certificateFile} and ${keyFile} cannot be used`, {
      hint: 'PEM, the chain leaf first, readable by the user that runs Ringfence',
      cause,
    })
  }
}

/** Changes when one of the files does; with a certificate of our own once a day, since that one runs out too. */
async function stampOf({ phoneDoor: { tls } }: Config, system: System): Promise<string> {
  if (typeof tls === 'string') return system.now().toISOString().slice(0, 10)
  const stats = await Promise.all([stat(tls.certificateFile), stat(tls.keyFile)])
  return stats.map(({ mtimeMs, size, ino }) => `${mtimeMs}/${size}/${ino}`).join(' ')
}

/** A listener on every address of the host is there inside the VPN too. */
function coversAll(outside: HostPort, inTunnel: HostPort): boolean {
  return ['0.0.0.0', '::'].includes(outside.host) && outside.port === inTunnel.port
}

function urlHost(at: HostPort): string {
  return formatHostPort(at)
}
