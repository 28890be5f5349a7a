import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chownSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Secret } from '../../src/domain/secret.ts'
import { postgresFolder } from '../setup/programs.ts'

export interface Postgres {
  /** Makes an empty database of its own and returns its URL. */
  createDatabase(): Secret
  /** The same database over TCP, for what cannot reach the socket; only with `port`. */
  tcpUrl(url: Secret): Secret
  /** Runs statements in one of them, as an administrator would with psql. */
  sql(url: Secret, statements: string): string
  stop(): Promise<void>
}

/**
 * A throwaway cluster: a folder, a Unix socket in it, and a port of loopback only where one is named. PostgreSQL refuses to
 * be root, so as root it becomes the package's own user. Ends with `stop()`, at the latest with this process.
 */
export async function startPostgres({
  port = 0,
  namespace,
}: {
  readonly port?: number
  /** The network namespace whose loopback it listens on; the socket is everywhere. */
  readonly namespace?: string
} = {}): Promise<Postgres> {
  const programs = postgresFolder()
  if (programs === null) throw new Error('PostgreSQL is not installed')
  const home = mkdtempSync(join(tmpdir(), 'pg-'))
  const as = userOf()
  if (as !== null) chownSync(home, as.uid, as.gid)
  const options = { ...(as ?? {}), cwd: home, env: { PATH: process.env.PATH, LC_ALL: 'C.UTF-8', TZ: 'UTC' } }
  const run = (name: string, args: readonly string[]) =>
    execFileSync(join(programs, name), args, { ...options, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  const data = join(home, 'data')
  let server: ChildProcess | undefined
  const end = () => server?.kill('SIGKILL')
  process.once('exit', end)
  const stop = async () => {
    process.removeListener('exit', end)
    if (server !== undefined && server.exitCode === null && server.signalCode === null) {
      const gone = new Promise((resolve) => server?.once('exit', resolve))
      // Fast shutdown (postgres(1)): open connections are cut.
      server.kill('SIGINT')
      await gone
    }
    rmSync(home, { recursive: true, force: true })
  }
  try {
    run('initdb', ['-D', data, '-U', 'ringfence', '-A', 'trust', '-E', 'UTF8', '--no-sync'])
    const command = [
      join(programs, 'postgres'),
      ...['-D', data, '-k', home, '-c', 'fsync=off', '-c', 'max_connections=60'],
      ...(port === 0 ? ['-c', 'listen_addresses='] : ['-c', 'listen_addresses=127.0.0.1', '-p', String(port)]),
    ] as const
    // Into a namespace goes root alone, so there the user is changed after.
    server =
      namespace === undefined
        ? spawn(command[0], command.slice(1), { ...options, stdio: 'ignore' })
        : spawn('ip', ['netns', 'exec', namespace, ...changedTo(as), ...command], {
            cwd: home,
            env: options.env,
            stdio: 'ignore',
          })
    await untilReady(
      () => run('pg_isready', ['-h', home, '-p', String(port || 5432), '-U', 'ringfence', '-d', 'postgres']),
      server,
    )
  } catch (error) {
    await stop()
    throw error
  }
  const urlOf = (name: string) =>
    new Secret(`postgres:///${name}?host=${encodeURIComponent(home)}&port=${port || 5432}&user=ringfence`)
  const sql = (url: Secret, statements: string) =>
    run('psql', ['-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-d', url.reveal(), '-c', statements])
  return {
    createDatabase() {
      const name = `t_${randomBytes(6).toString('hex')}`
      sql(urlOf('postgres'), `create database ${name}`)
      return urlOf(name)
    },
    tcpUrl: (url) => new Secret(`postgres://ringfence@127.0.0.1:${port}${new URL(url.reveal()).pathname}`),
    sql,
    stop,
  }
}

async function untilReady(ask: () => void, server: ChildProcess): Promise<void> {
  const deadline = Date.now() + 60_000
  for (;;) {
    try {
      ask()
      return
    } catch (error) {
      if (Date.now() > deadline || server.exitCode !== null) throw error
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}

function changedTo(user: ReturnType<typeof userOf>): readonly string[] {
  return user === null ? [] : ['setpriv', `--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups', '--']
}

function userOf(): { readonly uid: number; readonly gid: number } | null {
  if (process.getuid?.() !== 0) return null
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }).trim())
  return { uid: id('-u'), gid: id('-g') }
}
