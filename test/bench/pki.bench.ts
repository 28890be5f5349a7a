import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { openAuthorities } from '../../src/pki/certificate-authority.ts'
import { makeKeyPair } from '../../src/pki/key-pair.ts'
import { type KeyPool, openKeyPool } from '../../src/pki/key-pool.ts'
import type { HandsetAuthority } from '../../src/pki/pki-port.ts'
import { readRevocationList } from '../../src/pki/revocation-list.ts'
import { realSystem } from '../../src/system.ts'
import { vaultWith } from '../../src/vault.ts'
import type { BenchRow } from './bench-row.ts'

const run = promisify(execFile)
const entryCount = 10_000

/**
 * Certificates and revocation lists. CPU time (user and system, pool threads included) where the target speaks of it,
 * so that neighbours on the machine do not count.
 */
export async function rows(): Promise<BenchRow[]> {
  const folder = await mkdtemp(join(tmpdir(), `ringfence-bench-pki-${process.pid}-`))
  const vault = vaultWith(randomBytes(32))
  const key = await makeKeyPair(2048)
  const takeKey = async () => key
  try {
    const { handset } = await openAuthorities({ folder: join(folder, 'pki'), vault, system: realSystem, takeKey })
    const pool = await openKeyPool({ folder: join(folder, 'pool'), vault, size: 0 })
    try {
      return [await certificateRow(handset), ...(await revocationListRows(handset, folder)), await warmPoolRow(pool)]
    } finally {
      await pool.stop()
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function certificateRow(handset: HandsetAuthority): Promise<BenchRow> {
  const measured = await cpuOf(100, (turn) =>
    handset.issue({
      handsetId: '0198c0de-0000-7000-8000-0000000000aa',
      commonName: `Zoë Müller ${turn}`,
      extension: '1001',
      sipDomain: 'pbx.example.com',
      crlUrl: 'https://phones.example.com/crl/handsets.crl',
      now: new Date(),
      validDays: 397,
    }),
  )
  return {
    what: 'certificate without key generation (RSA-3072 CA)',
    target: '<= 5 ms CPU',
    measured: `${measured.toFixed(2)} ms CPU`,
    anchor: `a new RSA-2048 key, which the pool spares the click: ${(await cpuOf(5, () => makeKeyPair(2048))).toFixed(0)} ms CPU`,
    met: measured <= 5,
  }
}

async function revocationListRows(handset: HandsetAuthority, folder: string): Promise<BenchRow[]> {
  const now = Date.now()
  const revokedAt = new Date(now).toISOString()
  const entries = Array.from({ length: entryCount }, () => ({
    serial: `5${randomBytes(16).toString('hex').slice(1)}`,
    revokedAt,
  }))
  const frame = { thisUpdate: new Date(now - 600_000), nextUpdate: new Date(now + 30 * 86_400_000) }
  const first = await cpuOf(1, () => handset.signRevocationList({ ...frame, number: 1, entries }), 0)
  let list: Buffer = Buffer.alloc(0)
  const turns = 24
  const warmUp = 6
  let number = 1
  // New strings for each list, as rows come from a database: the engine must not know their hashes already.
  const fresh = (from: number) =>
    entries.slice(from).map((entry) => ({ serial: Buffer.from(entry.serial).toString(), revokedAt }))
  const cpuOfLists = (answers: ReturnType<typeof fresh>[]) =>
    cpuOf(
      turns,
      async (turn) => {
        list = await handset.signRevocationList({ ...frame, number: ++number, entries: answers[turn]! })
      },
      warmUp,
    )
  const next = await cpuOfLists(Array.from({ length: turns + warmUp }, () => fresh(0)))
  // The warm-up takes the last answers; each list misses one entry that the one before it had.
  const order = Array.from({ length: turns + warmUp }, (_, turn) => (turn + warmUp) % (turns + warmUp))
  const pruned = await cpuOfLists(order.map(fresh))
  const reading = await cpuOf(20, async () => readRevocationList(list, handset.certificate))
  const anchor = `openssl ca -gencrl of as many: ${await opensslList(folder, entries)}`
  return [
    {
      what: `revocation list with ${entryCount} entries`,
      target: '<= 5 ms CPU',
      measured: `${next.toFixed(2)} ms CPU (with one that ran out since: ${pruned.toFixed(2)}; first after a start: ${first.toFixed(1)})`,
      anchor,
      met: next <= 5,
    },
    {
      what: 'reading such a list back and checking its signature',
      target: 'none',
      measured: `${reading.toFixed(2)} ms CPU`,
      anchor: 'none',
      met: null,
    },
  ]
}

async function warmPoolRow(pool: KeyPool): Promise<BenchRow> {
  const count = 8
  await pool.warm(count)
  const times: number[] = []
  for (let turn = 0; turn < count; turn++) {
    const begin = performance.now()
    await pool.take()
    times.push(performance.now() - begin)
  }
  const worst = Math.max(...times)
  return {
    what: 'key for one handset from the warm pool (unsealed, file gone for good)',
    target: '<= 100 ms for the whole click',
    measured: `${worst.toFixed(1)} ms at most of ${count} (wall clock)`,
    anchor: 'making the key in the click: see above',
    met: worst <= 100,
  }
}

/** `openssl ca` on a database of the same entries, with a CA key of the same size; CPU of the process as the kernel counts it. */
async function opensslList(folder: string, entries: readonly { serial: string }[]): Promise<string> {
  const home = join(folder, 'openssl')
  await mkdir(home)
  const path = (name: string) => join(home, name)
  const index = entries.map(
    ({ serial }) => `R\t351231000000Z\t261001080000Z\t${serial.toUpperCase()}\tunknown\t/CN=phone\n`,
  )
  await writeFile(path('index.txt'), index.join(''))
  await writeFile(path('crlnumber'), '01\n')
  await writeFile(
    path('ca.cnf'),
    `[ca]\ndefault_ca=own\n[own]\ndatabase=${path('index.txt')}\ncrlnumber=${path('crlnumber')}\ndefault_md=sha256\ndefault_crl_days=30\n`,
  )
  try {
    const made = ['-keyout', path('key.pem'), '-out', path('ca.pem'), '-subj', '/CN=anchor', '-days', '9']
    await run('openssl', ['req', '-x509', '-newkey', 'rsa:3072', '-nodes', ...made])
    const asked = ['ca', '-config', path('ca.cnf'), '-gencrl', '-keyfile', path('key.pem'), '-cert', path('ca.pem')]
    const rounds = 3
    const timed = `times; for i in ${Array(rounds).fill('x').join(' ')}; do "$@" || exit 1; done; times`
    const { stdout } = await run('sh', ['-c', timed, 'sh', 'openssl', ...asked, '-out', path('list.pem')])
    return `${(childCpuMs(stdout) / rounds).toFixed(0)} ms CPU`
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'not measured, openssl is not installed'
    throw error
  }
}

/** The shell's `times` prints its own line, then that of its children: `0m0.41s 0m0.02s`. */
function childCpuMs(output: string): number {
  const lines = output.split('\n').filter((line) => /^\d+m[\d.]+s \d+m[\d.]+s$/.test(line))
  const total = (line = '') =>
    [...line.matchAll(/(\d+)m([\d.]+)s/g)].reduce((sum, [, m, s]) => sum + Number(m) * 60_000 + Number(s) * 1000, 0)
  return total(lines.at(-1)) - total(lines[1])
}

/** Mean CPU of one call in ms, after some calls that let the engine warm up. */
async function cpuOf(
  turns: number,
  work: (turn: number) => Promise<unknown>,
  warmUp = Math.ceil(turns / 4),
): Promise<number> {
  for (let turn = turns; turn < turns + warmUp; turn++) await work(turn)
  const begin = process.cpuUsage()
  for (let turn = 0; turn < turns; turn++) await work(turn)
  const { user, system } = process.cpuUsage(begin)
  return (user + system) / 1000 / turns
}
