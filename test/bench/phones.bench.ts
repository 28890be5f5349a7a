import { type ChildProcess, fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, open, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import { readConfig } from '../../src/config.ts'
import { steadyToken } from '../../src/domain/invite.ts'
import { layFoundations } from '../../src/main/foundations.ts'
import { undoList } from '../../src/main/undo.ts'
import { newId, realSystem } from '../../src/system.ts'
import type { BenchRow } from './bench-row.ts'
import { seedFleet } from './fleet.ts'
import { load, percentile, restingMb } from './measuring.ts'
import { mixedHandsets } from './mixed-fleet.ts'
import { type Burst, burst } from './phone-burst.ts'
import type { Order, PhoneOfBench, Report, Started } from './phone-server.ts'

const people = 10_000
const phonesInBurst = 500
const filesInBurst = 4
const anchor = 'nginx static 0.05, wazo-provd 4.0, FusionPBX 21 ms CPU a fetch'

/** 10,000 handsets of all makers behind a real phone door, and 500 of them after a power cut. CPU of the door's process. */
export async function rows(): Promise<BenchRow[]> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-phones-'))
  const env = {
    RINGFENCE_DATA: folder,
    RINGFENCE_PASSPHRASE: randomBytes(24).toString('base64url'),
    RINGFENCE_PHONE_URL: 'https://phones.example.com',
    RINGFENCE_HUB_ENDPOINT: 'vpn.example.com:51820',
    RINGFENCE_PBX_ADDRESS: '10.90.0.2',
    RINGFENCE_PBX_HOST: 'pbx.example.com',
    RINGFENCE_HUB_TIME_SERVERS: '10.90.0.3',
  }
  try {
    const phones = await fill(env)
    return [...(await fetchRows(env, phones)), ...(await burstRows(env, phones))]
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** The data folder of an office, and the link and files of every phone in it. */
async function fill(env: Readonly<Record<string, string>>): Promise<PhoneOfBench[]> {
  const log = pino({ level: 'warn' }, pino.destination({ dest: 2, sync: true }))
  const undo = undoList(log)
  const { store, vault, templates, authorities } = await layFoundations(readConfig(env), realSystem, log, undo)
  const { catalogue } = templates
  try {
    const certificate = await authorities.handset.issue({
      handsetId: newId(realSystem),
      commonName: 'Person of the bench',
      extension: '200000',
      sipDomain: 'pbx.example.com',
      crlUrl: 'https://phones.example.com/crl/handsets.crl',
      now: realSystem.now(),
      validDays: 397,
    })
    await seedFleet(store, vault, people, mixedHandsets(catalogue, certificate))
    const key = vault.deriveKey('phone-door')
    return (await store.find('handset', {})).map(({ id, model, mac, doorGeneration }) => ({
      token: steadyToken(key, id, doorGeneration),
      files: catalogue.fileNames(model, mac),
    }))
  } finally {
    await undo.all()
  }
}

async function fetchRows(env: Readonly<Record<string, string>>, phones: readonly PhoneOfBench[]): Promise<BenchRow[]> {
  await using server = await startServer(env)
  const before = await server.ask({ do: 'look' })
  const first = await server.measured(phones)
  const second = await server.measured(phones)
  const few = phones.slice(0, phonesInBurst)
  await server.measured(few)
  const warm = await server.measured(Array.from({ length: 10 }, () => few).flat())
  const resting = await restingMb(server.pid)
  const of = `${first.files} files of ${people} handsets of all makers`
  return [
    cpuRow(`a phone's file, first: ${of}`, 3, first),
    cpuRow('a second round over all of them, more files than the door remembers', 3, second),
    cpuRow(`a phone's file, warm: ${few.flatMap(({ files }) => files).length} files, ten times each`, 0.5, warm),
    {
      what: 'memory of the phone door at rest after these fetches',
      target: '≤ 200 MB',
      measured: `${resting.toFixed(0)} MB, of which ${before.residentMb.toFixed(0)} MB before the first`,
      anchor: 'wazo-provd 122 MB, wg-easy 293 MB at 100',
      met: resting <= 200,
    },
  ]
}

function cpuRow(what: string, targetMs: number, { cpuMs, wallMs, files, bytes }: Measured): BenchRow {
  const each = cpuMs / files
  return {
    what,
    target: `≤ ${targetMs} ms CPU each`,
    measured: `${each.toFixed(3)} ms CPU each, ${Math.round((files * 1_000) / wallMs)} files/s of ${Math.round(bytes / files)} bytes (${load()})`,
    anchor,
    met: each <= targetMs,
  }
}

/** Each burst at a server that was started for it: a power cut leaves nothing in memory. */
async function burstRows(env: Readonly<Record<string, string>>, all: readonly PhoneOfBench[]): Promise<BenchRow[]> {
  const phones = all.slice(0, phonesInBurst).map(({ token, files }) => ({
    token,
    files: Array.from({ length: filesInBurst }, (_, n) => files[n % files.length]!),
  }))
  const { full, again } = await plainBursts(env, phones)
  await using server = await startServer(env)
  const secure = await server.underFire(() => burst({ port: server.tlsPort, tls: true }, phones, { status: 200 }))
  const what = `${phonesInBurst} phones after a power cut, ${filesInBurst} files each`
  return [
    burstRow(`${what}: all in full, at a door just started`, 3, full),
    burstRow(`${what}: all unchanged (304)`, 0.5, again),
    burstRow(`${what}: all in full over TLS, ${phonesInBurst} handshakes included`, null, secure),
  ]
}

async function plainBursts(env: Readonly<Record<string, string>>, phones: readonly PhoneOfBench[]) {
  await using server = await startServer(env)
  const at = { port: server.port, tls: false }
  const full = await server.underFire(() => burst(at, phones, { status: 200 }))
  const { etags } = full.burst
  return { full, again: await server.underFire(() => burst(at, phones, { status: 304, etags })) }
}

function burstRow(
  what: string,
  targetMs: number | null,
  { burst: { seconds, latenciesMs }, cpuMs }: UnderFire,
): BenchRow {
  const each = cpuMs / latenciesMs.length
  return {
    what,
    target: targetMs === null ? 'none: TLS apart' : `≤ ${targetMs} ms CPU a fetch`,
    measured:
      `${each.toFixed(3)} ms CPU a fetch; ${latenciesMs.length} fetches in ${seconds.toFixed(2)} s, ` +
      `p50 ${percentile(latenciesMs, 50).toFixed(0)} ms, p99 ${percentile(latenciesMs, 99).toFixed(0)} ms (${load()})`,
    anchor,
    met: targetMs === null ? null : each <= targetMs,
  }
}

interface Measured extends Report {
  readonly wallMs: number
}

interface UnderFire {
  readonly burst: Burst
  /** Of the door's process while it lasted. */
  readonly cpuMs: number
}

interface PhoneServer extends Started, AsyncDisposable {
  readonly pid: number
  ask(order: Order): Promise<Report>
  /** Fetches inside the process, without a network: CPU is what these fetches took. */
  measured(phones: readonly PhoneOfBench[]): Promise<Measured>
  underFire(work: () => Promise<Burst>): Promise<UnderFire>
}

async function startServer(env: Readonly<Record<string, string>>): Promise<PhoneServer> {
  const logPath = join(env.RINGFENCE_DATA!, `bench-${randomBytes(4).toString('hex')}.log`)
  const log = await open(logPath, 'w', 0o600)
  const child = fork(join(import.meta.dirname, 'phone-server.ts'), {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', log.fd, 'ipc'],
  })
  await log.close()
  const started = await said<Started>(child, logPath)
  const ask = async (order: Order) => {
    child.send(order)
    return said<Report>(child, logPath)
  }
  return {
    ...started,
    pid: child.pid!,
    ask,
    async measured(phones) {
      const before = await ask({ do: 'look' })
      const from = performance.now()
      const after = await ask({ do: 'fetch', phones })
      return { ...after, cpuMs: after.cpuMs - before.cpuMs, wallMs: performance.now() - from }
    },
    async underFire(work) {
      const before = await ask({ do: 'look' })
      const seen = await work()
      return { burst: seen, cpuMs: (await ask({ do: 'look' })).cpuMs - before.cpuMs }
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null) return
      const exited = once(child, 'exit')
      child.send({ do: 'end' } satisfies Order)
      await exited
    },
  }
}

async function said<T>(child: ChildProcess, logPath: string): Promise<T> {
  const gone = new AbortController()
  try {
    return await Promise.race([
      once(child, 'message', { signal: gone.signal }).then(([message]) => message as T),
      once(child, 'exit', { signal: gone.signal }).then(async () => {
        throw new Error(`the phone door ended: ${(await readFile(logPath, 'utf8')).slice(-2_000)}`)
      }),
    ])
  } finally {
    gone.abort()
  }
}
