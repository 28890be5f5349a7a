/**
 * A phone door as a process of its own, for the benchmark: the real store, vault, catalogue, ledger and listener over a data
 * folder that was filled before. What no fetch touches (hub, PBX, lanes) is left out. Orders come from the parent.
 */

import { join } from 'node:path'
import pino from 'pino'
import { readConfig } from '../../src/config.ts'
import { startPhoneDoor, type TlsListener } from '../../src/http/listeners.ts'
import { phoneDoorApp } from '../../src/http/phone-door.ts'
import type { Application } from '../../src/journeys/application.ts'
import { openPhoneDoor } from '../../src/journeys/serve-phone.ts'
import { openContext } from '../../src/main/context.ts'
import { layFoundations } from '../../src/main/foundations.ts'
import { chooseSignIn } from '../../src/main/sign-in.ts'
import { undoList } from '../../src/main/undo.ts'
import { manualDriver } from '../../src/pbx/manual.ts'
import { loadManualGuide } from '../../src/pbx/manual-guide.ts'
import { qrLevel, svg } from '../../src/phones/qr.ts'
import { keepServerCertificate } from '../../src/pki/server-certificate.ts'
import { realSystem } from '../../src/system.ts'

/** One handset's link and the files that it asks for. */
export interface PhoneOfBench {
  readonly token: string
  readonly files: readonly string[]
}

export type Order = { readonly do: 'fetch'; readonly phones: readonly PhoneOfBench[] } | { readonly do: 'look' | 'end' }

export interface Report {
  /** CPU of this process since it started, user and system, with the ledger written. */
  readonly cpuMs: number
  readonly residentMb: number
  readonly files: number
  readonly bytes: number
}

export interface Started {
  readonly port: number
  readonly tlsPort: number
}

if (process.send) await main()

async function main(): Promise<void> {
  const config = readConfig(process.env)
  // As main.ts does: JSON lines on standard error, written at once.
  const log = pino({ level: 'info', base: null }, pino.destination({ dest: 2, sync: true }))
  const undo = undoList(log)
  const foundations = await layFoundations(config, realSystem, log, undo)
  const tls = await keepServerCertificate(
    {
      path: join(foundations.pkiFolder, 'phone-door-certificate.json'),
      vault: foundations.vault,
      authority: foundations.authorities.service,
    },
    { commonName: 'localhost', dnsNames: ['localhost'], addresses: [], now: realSystem.now(), validDays: 397 },
  )
  // Keys for phones to come are made on other threads, and would be counted.
  await foundations.keys.stop()
  const context = await openContext(foundations, {
    config,
    system: realSystem,
    pbxs: [
      {
        settings: config.pbxs[0]!,
        driver: manualDriver({ name: 'the PBX', realm: 'asterisk' }),
        guide: await loadManualGuide('templates/manual-pbx', 'generic'),
        isConfigured: true,
      },
    ],
    resolveHost: async () => [],
    systems: [],
    loop: { close: unasked, nudge: unasked, idle: unasked },
    tellPhones: () => undefined,
    mail: null,
    publish: () => {},
    hubPublicKey: () => null,
    handshakes: new Map(),
    signIn: chooseSignIn(config, foundations.vault, log),
    log,
  })
  const door = openPhoneDoor(context)
  // The one deed that a path under /p/ leads to.
  const application = { serveFile: (request) => door.serve(request) } as Pick<Application, 'serveFile'> as Application
  const app = phoneDoorApp(application, {
    log,
    now: realSystem.now,
    trustedProxies: ['127.0.0.1'],
    drawQr: (text, content, title) => svg(text, qrLevel(content, text), title),
  })
  const listeners = await Promise.all([
    startPhoneDoor(app, { host: '127.0.0.1', port: 0 }, null),
    startPhoneDoor(app, { host: '127.0.0.1', port: 0 }, tls),
  ])
  undo.push(() => Promise.all(listeners.map((listener: TlsListener) => listener.stop(0))))

  process.on('message', (order: Order) => {
    if (order.do === 'end') {
      undo.all().then(() => process.disconnect())
      return
    }
    const phones = order.do === 'fetch' ? order.phones : []
    fetchAll(phones).then(report, (error: unknown) => {
      console.error(error)
      process.exit(1)
    })
  })
  const [plain, secure] = listeners.map(({ address }) => address!.port)
  process.send!({ port: plain, tlsPort: secure } satisfies Record<keyof Started, number | undefined>)

  async function fetchAll(phones: readonly PhoneOfBench[]): Promise<{ files: number; bytes: number }> {
    let [files, bytes] = [0, 0]
    for (const { token, files: names } of phones) {
      for (const fileName of names) {
        const request = { token, fileName, remoteAddress: '192.0.2.1', userAgent: null, ifNoneMatch: null }
        const file = await door.serve({ ...request, method: 'GET' })
        if (!file) throw new Error(`${fileName} was refused`)
        files += 1
        bytes += file.body.length
      }
    }
    return { files, bytes }
  }

  async function report(fetched: { files: number; bytes: number }): Promise<void> {
    await door.flush()
    const { user, system } = process.cpuUsage()
    const residentMb = process.memoryUsage.rss() / 2 ** 20
    process.send!({ cpuMs: (user + system) / 1_000, residentMb, ...fetched } satisfies Report)
  }
}

function unasked(): never {
  throw new Error('a fetch asks no lane for anything')
}
