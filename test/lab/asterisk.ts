import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { DialPlan } from '../../src/domain/call-policy.ts'
import { Secret } from '../../src/domain/secret.ts'
import type { AmiAddress } from '../../src/pbx/asterisk/ami-connection.ts'
import { asteriskDriver, prepareAsterisk } from '../../src/pbx/asterisk/asterisk.ts'
import { fileWriter } from '../../src/pbx/asterisk/asterisk-files.ts'
import { type AsteriskOptions, folderOf } from '../../src/pbx/asterisk/asterisk-options.ts'
import type { PbxDriver } from '../../src/pbx/pbx-driver.ts'
import { configuration } from './asterisk-lab-config.ts'
import { issueTestCertificate, makeTestAuthority, type TestCertificate } from './test-certificates.ts'

/**
 * A private Asterisk for one test: Debian's packages in the folder that asterisk-setup.sh builds, with config, database,
 * spool and sockets of its own. Several can run at once. `stop` leaves no process and no file behind; should the test
 * die first, the kernel kills the process and the next start sweeps the folder.
 */
export interface AsteriskLab {
  readonly version: string
  readonly ami: AmiAddress
  /** The same over TLS. */
  readonly amiTls: AmiAddress
  /** What the driver needs to know of this Asterisk. */
  readonly driverOptions: AsteriskOptions
  /** The folder that pjsip.conf includes, as seen from here. */
  readonly configDir: string
  readonly etcDir: string
  readonly address: string
  readonly port: number
  readonly mtlsPort: number
  /** Asterisk's own web server (ARI). */
  readonly httpPort: number
  readonly httpsPort: number
  /** This instance's own folder, as seen from here; below it `keys` and whatever a test puts there. */
  readonly folder: string
  /** Signs the server's certificate. */
  readonly serverAuthority: TestCertificate
  /** Whose client certificates the second port takes. */
  readonly handsetAuthority: TestCertificate
  /** A command of Asterisk's own console. */
  cli(command: string): string
  log(): string
  /** Ends the process (the files stay), so that it can be started again. */
  halt(): Promise<void>
  start(): Promise<void>
  restart(): Promise<void>
  /** Stops it in its tracks, as a machine that is far too busy: it takes connections and says nothing, until `thaw`. */
  freeze(): void
  thaw(): void
  stop(): Promise<void>
}

export interface LabPorts {
  readonly ami: number
  /** The manager interface over TLS. */
  readonly amiTls: number
  readonly sip: number
  readonly mtls: number
  /** Asterisk's own web server, where `files` switches it on. */
  readonly http: number
  readonly https: number
}

export interface AsteriskLabOptions {
  /** Where SIP and media listen; default 127.0.0.1. */
  readonly address?: string
  /** Where the manager interface listens; default `address`. */
  readonly amiAddress?: string
  /** Default: free ones (on the host), or 5038, 5039, 5061, 5062, 8088, 8089 in a namespace. */
  readonly ports?: LabPorts
  readonly rtp?: { readonly from: number; readonly to: number }
  /** Name of an existing network namespace. */
  readonly namespace?: string
  readonly serverAuthority?: TestCertificate
  readonly serverCertificate?: TestCertificate
  readonly handsetAuthority?: TestCertificate
  /** Appended to pjsip.conf, for what Ringfence did not make. */
  readonly pjsip?: string
  /** Dialplan (extensions.conf); default: any number answers and plays silence, 600 echoes. */
  readonly dialplan?: string
  /** What numbers mean here; with it extensions.conf includes the file with call classes. */
  readonly dialPlan?: DialPlan
  /** A dialplan context that knows internal numbers and nothing else. */
  readonly internalContext?: string
  /** Manager classes of the user, default those that docs/asterisk.md asks for. */
  readonly managerRead?: string
  readonly managerWrite?: string
  /** False: pjsip.conf does not include the folder. */
  readonly include?: boolean
  /** Modules to leave out, such as `res_srtp.so`. */
  readonly without?: readonly string[]
  /** Modules to load beside the usual ones; before res_pjsip, which looks for its tables when it starts. */
  readonly modules?: readonly string[]
  /** Called with the instance's folder as seen from here, before Asterisk starts. */
  readonly before?: (folder: string) => void
  /** Config files beside the usual ones, or instead of them. `inner`: the folder of this instance as Asterisk sees it. */
  readonly files?: (place: {
    readonly inner: string
    readonly http: number
    readonly https: number
  }) => Readonly<Record<string, string>>
}

const cache = process.env.RINGFENCE_TEST_CACHE ?? join(homedir(), '.cache', 'ringfence-tests')
const root = join(cache, 'asterisk')

/** Null when the live tests can run here, else why not and what would help. */
export function asteriskMissing(): string | null {
  if (process.getuid?.() !== 0) return 'the Asterisk tests need root (chroot): sudo npm test'
  if (!existsSync(join(root, '.ringfence-complete')))
    return 'Asterisk is not built yet: sudo test/lab/asterisk-setup.sh'
  return null
}

export async function startAsterisk(options: AsteriskLabOptions = {}): Promise<AsteriskLab> {
  const missing = asteriskMissing()
  if (missing) throw new Error(missing)
  sweep()
  nameLocalhost()
  const name = `ringfence-${process.pid}-${randomBytes(4).toString('hex')}`
  const inner = `/srv/${name}`
  const outer = join(root, 'srv', name)
  const address = options.address ?? '127.0.0.1'
  const amiAddress = options.amiAddress ?? address
  const ports =
    options.ports ??
    (options.namespace
      ? { ami: 5038, amiTls: 5039, sip: 5061, mtls: 5062, http: 8088, https: 8089 }
      : await freePorts(address))
  const serverAuthority = options.serverAuthority ?? makeTestAuthority('Ringfence test service CA')
  const serverCertificate =
    options.serverCertificate ?? issueTestCertificate(serverAuthority, 'pbx.test', ['pbx.test', address])
  const handsetAuthority = options.handsetAuthority ?? makeTestAuthority('Ringfence test handset CA')
  const secret = new Secret(randomBytes(18).toString('base64url'))

  for (const folder of ['etc/ringfence.d', 'db', 'spool', 'run', 'log', 'cache', 'keys']) {
    mkdirSync(join(outer, folder), { recursive: true })
  }
  writeFileSync(join(outer, 'keys/server.pem'), serverCertificate.certificate)
  writeFileSync(join(outer, 'keys/server.key'), serverCertificate.key, { mode: 0o600 })
  writeFileSync(join(outer, 'keys/handset-ca.pem'), handsetAuthority.certificate)
  const place = { inner, moduleFolder: moduleFolder(), amiAddress, ports, secret }
  const { http, https } = ports
  const files = { ...configuration(options, place), ...options.files?.({ inner, http, https }) }
  for (const [file, text] of Object.entries(files)) {
    writeFileSync(join(outer, 'etc', file), text, { mode: 0o640 })
  }

  let child: ChildProcess | null = null
  options.before?.(outer)
  const killAtExit = () => {
    child?.kill('SIGKILL')
    rmSync(outer, { recursive: true, force: true })
  }
  process.on('exit', killAtExit)

  const ami: AmiAddress = { host: amiAddress, port: ports.ami, username: 'ringfence', secret, tls: null }
  const lab: AsteriskLab = {
    version: spawnSync('chroot', [root, 'asterisk', '-V'], { encoding: 'utf8' }).stdout.trim(),
    ami,
    amiTls: { ...ami, port: ports.amiTls, tls: { ca: serverAuthority.certificate } },
    driverOptions: {
      configDir: join(outer, 'etc/ringfence.d'),
      manager: ami,
      realm: 'ringfence',
      context: 'from-internal',
      edge: null,
      internalContext: options.internalContext ?? null,
      dialPlan: async () => options.dialPlan ?? null,
      transports: {
        bindAddress: address,
        port: ports.sip,
        mtlsPort: ports.mtls,
        certificateFile: `${inner}/keys/server.pem`,
        keyFile: `${inner}/keys/server.key`,
        handsetCaFile: `${inner}/keys/handset-ca.pem`,
      },
    },
    configDir: join(outer, 'etc/ringfence.d'),
    etcDir: join(outer, 'etc'),
    address,
    port: ports.sip,
    mtlsPort: ports.mtls,
    httpPort: http,
    httpsPort: https,
    folder: outer,
    serverAuthority,
    handsetAuthority,
    cli,
    log: () => readFileSync(join(outer, 'log/full'), 'utf8'),
    halt,
    start,
    async restart() {
      await halt()
      await start()
    },
    // What is started execs itself into Asterisk, so it has this number.
    freeze: () => void child?.kill('SIGSTOP'),
    thaw: () => void child?.kill('SIGCONT'),
    async stop() {
      child?.kill('SIGCONT')
      await halt()
      process.off('exit', killAtExit)
      rmSync(outer, { recursive: true, force: true })
    },
  }

  function cli(command: string): string {
    const result = spawnSync('chroot', [root, 'asterisk', '-C', `${inner}/etc/asterisk.conf`, '-rx', command], {
      encoding: 'utf8',
      timeout: 20_000,
      maxBuffer: 64 * 1024 * 1024,
    })
    if (result.status !== 0) throw new Error(`asterisk -rx ${command}: ${result.stdout}${result.stderr}`)
    return result.stdout
  }

  async function start(): Promise<void> {
    const command = ['chroot', root, 'asterisk', '-C', `${inner}/etc/asterisk.conf`, '-f', '-n']
    // Asterisk looks its host's name up with each call and waits for the answer; here nobody may be there to give one.
    const named = ['unshare', '--uts', 'sh', '-c', 'hostname localhost && exec "$@"', 'sh', ...command]
    // The kernel ends Asterisk when this process ends in a way that runs no handlers.
    const guarded = ['setpriv', '--pdeathsig', 'KILL', ...named]
    const [program, ...args] = options.namespace ? ['ip', 'netns', 'exec', options.namespace, ...guarded] : guarded
    const started = spawn(program!, args, { stdio: ['ignore', 'ignore', 'pipe'] })
    child = started
    let words = ''
    started.stderr!.on('data', (chunk) => {
      words = `${words}${chunk}`.slice(-4000)
    })
    const limit = Date.now() + 30_000
    for (;;) {
      if (started.exitCode !== null || started.signalCode)
        throw new Error(`asterisk ended at once: ${words}${tail(outer)}`)
      const probe = spawnSync(
        'chroot',
        [root, 'asterisk', '-C', `${inner}/etc/asterisk.conf`, '-rx', 'core waitfullybooted'],
        {
          encoding: 'utf8',
          timeout: 20_000,
        },
      )
      if (probe.status === 0 && /fully booted/.test(probe.stdout)) return
      if (Date.now() > limit) {
        await halt()
        throw new Error(`asterisk is not ready after 30 s: ${words}${tail(outer)}`)
      }
      await pause(50)
    }
  }

  async function halt(): Promise<void> {
    const running = child
    child = null
    if (!running || running.exitCode !== null || running.signalCode) return
    const gone = new Promise<void>((resolve) => running.once('exit', () => resolve()))
    running.kill('SIGTERM')
    const ended = await Promise.race([gone.then(() => true), pause(5000, false, { ref: false })])
    if (ended) return
    running.kill('SIGKILL')
    await gone
  }

  try {
    // What the installation text tells an admin to do first.
    await prepareAsterisk(lab.driverOptions)
    await start()
  } catch (error) {
    await lab.stop()
    throw error
  }
  return lab
}

/** With accounts in files. */
export function fileDriver(options: AsteriskOptions): PbxDriver {
  return asteriskDriver(options, fileWriter(folderOf(options), options.edge))
}

/** `/usr/lib/<architecture>/asterisk/modules`, as seen inside. */
function moduleFolder(): string {
  const found = readdirSync(join(root, 'usr/lib')).find((name) =>
    existsSync(join(root, 'usr/lib', name, 'asterisk/modules')),
  )
  if (!found) throw new Error(`no Asterisk modules in ${root}: remove the folder and run test/lab/asterisk-setup.sh`)
  return `/usr/lib/${found}/asterisk/modules`
}

/** debootstrap leaves no hosts file, so even `localhost` would be a question for a name server. */
function nameLocalhost(): void {
  const path = join(root, 'etc/hosts')
  if (!existsSync(path)) writeFileSync(path, '127.0.0.1 localhost\n')
}

/** Folders of test processes that are gone. */
function sweep(): void {
  const folder = join(root, 'srv')
  for (const entry of readdirSync(folder)) {
    const owner = /^ringfence-([0-9]+)-/.exec(entry)?.[1]
    if (owner && !existsSync(`/proc/${owner}`)) rmSync(join(folder, entry), { recursive: true, force: true })
  }
}

async function freePorts(address: string): Promise<LabPorts> {
  const servers = await Promise.all(
    [0, 1, 2, 3, 4, 5].map(
      () =>
        new Promise<ReturnType<typeof createServer>>((resolve, reject) => {
          const server = createServer().once('error', reject)
          server.listen(0, address, () => resolve(server))
        }),
    ),
  )
  const [ami, amiTls, sip, mtls, http, https] = servers.map((server) => {
    const bound = server.address()
    return typeof bound === 'object' && bound ? bound.port : 0
  })
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return { ami: ami!, amiTls: amiTls!, sip: sip!, mtls: mtls!, http: http!, https: https! }
}

function tail(outer: string): string {
  try {
    return readFileSync(join(outer, 'log/full'), 'utf8').slice(-3000)
  } catch {
    return ' (no log)'
  }
}
