import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { freeTcpPorts } from '../lab/kamailio.ts'
import { kamailioModules } from '../setup/programs.ts'
import { describeLive } from '../setup/requirements.ts'

const page = readFileSync(join(import.meta.dirname, '../../docs/edge.md'), 'utf8')
const program = join(import.meta.dirname, '../../ringfence')

/** A user that owns nothing on this machine, in place of the page's `ringfence`. */
const ringfence = 7_777
const kamailioUser = spawnSync('id', ['-u', 'kamailio'], { encoding: 'utf8' }).stdout.trim()

/** What stands in the page, indented as commands, and begins so. */
function commandOf(beginning: string): string {
  const line = page.split('\n').find((one) => one.trimStart().startsWith(beginning))
  if (line === undefined) throw new Error(`docs/edge.md has no command ${beginning}`)
  return line.trim()
}

/**
 * The set-up of docs/edge.md, command by command, by a Ringfence and a Kamailio that are two plain users: with root in their
 * place everything can be read, and nobody notices that a folder or a group is wrong.
 */
describeLive('a SIP edge that is set up by the commands of its page', ['kamailio', 'openssl', 'root'], () => {
  const root = mkdtempSync(join(tmpdir(), `ringfence-set-up-${process.pid}-`))
  const inPlace = (path: string) => join(root, path)
  const children: ChildProcess[] = []
  const words = new Map<ChildProcess, string>()

  /** The page's command, with its paths under `root` and its users as they are here. */
  function here(command: string): string {
    return command
      .replaceAll('runuser -u ringfence --', `setpriv --reuid ${ringfence} --regid ${ringfence} --clear-groups`)
      .replaceAll('/opt/ringfence/ringfence', program)
      .replaceAll(/\/(etc|var)\//g, `${root}/$1/`)
      .replaceAll('-o ringfence', `-o ${ringfence}`)
      .replaceAll('chown ringfence:', `chown ${ringfence}:${ringfence}`)
      .replace('-m 512', '-m 64')
  }
  function shell(command: string): string {
    const { status, stdout, stderr } = spawnSync('sh', ['-c', here(command)], { encoding: 'utf8', cwd: '/' })
    if (status !== 0) throw new Error(`${command}: ${stderr}`)
    return stdout
  }
  function run(command: string, user?: number): ChildProcess {
    const as = user === undefined ? [] : ['setpriv', '--reuid', `${user}`, '--regid', `${user}`, '--clear-groups']
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...as, 'sh', '-c', `exec ${here(command)}`], { cwd: '/' })
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => words.set(child, `${words.get(child) ?? ''}${chunk}`))
    children.push(child)
    return child
  }
  async function end(child: ChildProcess): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGTERM')
    await gone
  }
  const asRingfence = (command: string) =>
    `runuser -u ringfence -- sh -c 'set -a; . /etc/ringfence/ringfence.env; exec ${command}'`
  const doctor = () =>
    spawnSync('sh', ['-c', here(asRingfence('/opt/ringfence/ringfence doctor'))], { encoding: 'utf8', cwd: '/' }).stdout
  const kamailio = (file = 'kamailio.cfg') =>
    run(
      commandOf('kamailio -DD')
        .replace('kamailio.cfg', file)
        .replace(' -f ', ` -L ${kamailioModules()} -Y ${inPlace('run')} -w ${inPlace('run')} -f `),
    )

  beforeAll(async () => {
    chmodSync(root, 0o755)
    for (const path of ['etc', 'etc/ringfence', 'var', 'var/lib', 'data', 'run'])
      mkdirSync(inPlace(path), { mode: 0o755 })
    chownSync(inPlace('data'), ringfence, ringfence)
    chmodSync(inPlace('data'), 0o700)
    chownSync(inPlace('run'), Number(kamailioUser), 0)
    const [listen, phones, rpc] = (await freeTcpPorts('127.0.0.1', 3)) as [number, number, number]
    const [port, mtls, pbx] = (await freeTcpPorts('127.0.0.43', 3)) as [number, number, number]
    const settings = {
      DATA: inPlace('data'),
      LISTEN: `127.0.0.1:${listen}`,
      PHONE_LISTEN: `127.0.0.1:${phones}`,
      PHONE_TUNNEL_LISTEN: 'off',
      HUB_INTERFACE: `rfsetup${process.pid % 10_000}`,
      PBX_ADDRESS: '127.0.0.42',
      EDGE_ADDRESS: '127.0.0.43',
      EDGE_HOST: 'sip.example.com',
      EDGE_PORT: port,
      EDGE_MTLS_PORT: mtls,
      EDGE_PBX_PORT: pbx,
      EDGE_RPC: `127.0.0.1:${rpc}`,
      EDGE_DIR: inPlace('var/lib/ringfence-edge'),
      EDGE_RPC_SECRET_FILE: inPlace('etc/ringfence/edge-key'),
    }
    const lines = Object.entries(settings).map(([name, value]) => `RINGFENCE_${name}=${value}\n`)
    writeFileSync(inPlace('etc/ringfence/ringfence.env'), lines.join(''), { mode: 0o644 })
  })
  afterAll(async () => {
    await Promise.all(children.map(end))
    rmSync(root, { recursive: true, force: true })
  })

  test('is not written into a folder that is not there, and the command that makes it is named', () => {
    shell(commandOf('(umask 077 && openssl rand'))
    shell(commandOf('chown ringfence:'))
    const { status, stderr } = spawnSync('sh', ['-c', here(commandOf('runuser -u ringfence'))], {
      encoding: 'utf8',
      cwd: '/',
    })
    const folder = inPlace('etc/kamailio-ringfence')
    expect(status).toBe(2)
    expect(stderr).toBe(
      `error: ${folder} (--out) cannot be written to (EACCES)\nhint: make it as root and give it to the user that runs Ringfence: install -d -m 2750 -o ringfence -g kamailio ${folder}\n`,
    )
  })

  test('takes the revocation list as the user kamailio', async () => {
    shell(commandOf('install -d'))
    expect(statSync(inPlace('etc/ringfence/edge-key')).mode & 0o777).toBe(0o600)
    const written = shell(commandOf('runuser -u ringfence'))
    expect(written).toContain(inPlace('etc/kamailio-ringfence/tls.cfg'))
    const server = run(asRingfence('/opt/ringfence/ringfence serve'))
    await vi.waitFor(() => expect(words.get(server)).toContain('Ringfence is running'), {
      timeout: 60_000,
      interval: 200,
    })
    // The last that it writes before it looks for Kamailio.
    const list = inPlace('var/lib/ringfence-edge/handsets.pem')
    await vi.waitFor(() => expect(existsSync(list)).toBe(true), { timeout: 20_000, interval: 100 })
    shell(commandOf('kamailio -c').replace(' -f ', ` -L ${kamailioModules()} -f `))

    const edge = kamailio()
    await vi.waitFor(() => expect(doctor()).toMatch(/edge +0 certificates .* list \d+ loaded/), {
      timeout: 60_000,
      interval: 500,
    })
    const status = readFileSync(`/proc/${edge.pid}/status`, 'utf8')
    expect(/^Uid:\s+(\d+)/m.exec(status)?.[1]).toBe(kamailioUser)
    expect(doctor()).not.toMatch(/problem +edge/)
  }, 180_000)

  test('is told of by `doctor` where that user may not read the folder of the configuration', async () => {
    await end(children.pop()!)
    // As if step 1 had been left out, and step 3 been done by root.
    const folder = inPlace('etc/kamailio-ringfence')
    chownSync(folder, 0, 0)
    for (const name of ['tls.cfg', 'kamailio.cfg']) chownSync(join(folder, name), 0, 0)
    const edge = kamailio()
    await vi.waitFor(() => expect(doctor()).toContain('the edge cannot load the new revocation list'), {
      timeout: 60_000,
      interval: 500,
    })
    expect(doctor()).toContain('must be able to read tls.cfg beside its kamailio.cfg')
    await vi.waitFor(() => expect(words.get(edge)).toMatch(/cannot stat config file/))
  }, 120_000)
})
