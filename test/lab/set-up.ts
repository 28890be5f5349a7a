import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { kamailioModules } from '../setup/programs.ts'

const docs = join(import.meta.dirname, '../../docs')
const program = join(import.meta.dirname, '../../ringfence')

/** A user that owns nothing on this machine, in place of the pages' `ringfence`. */
const ringfence = 7_777

/** That user, with no group but its own. */
export const outsideEveryGroup = `setpriv --reuid ${ringfence} --regid ${ringfence} --clear-groups`

export const kamailioUser = () => ({ uid: idOf('-u'), gid: idOf('-g') })
const idOf = (what: string) => Number(spawnSync('id', [what, 'kamailio'], { encoding: 'utf8' }).stdout)

/** A command of Ringfence's with the settings of its service, as the pages write it. */
export const asRingfence = (command: string) =>
  `runuser -u ringfence -- sh -c 'set -a; . /etc/ringfence/ringfence.env; exec /opt/ringfence/ringfence ${command}'`

/**
 * The commands of a page, typed one after the other on a machine whose paths are below a folder of the test, by a Ringfence
 * and a Kamailio that are two plain users.
 */
export function setUpByPage(name: string) {
  const page = readFileSync(join(docs, name), 'utf8')
  const root = mkdtempSync(join(tmpdir(), `ringfence-set-up-${process.pid}-`))
  const inPlace = (path: string) => join(root, path)
  const children: ChildProcess[] = []
  const said = new Map<ChildProcess, string>()
  // The user has no name here, so what the page has an admin do to the list of groups is done as it starts.
  const groups = page.includes('usermod -aG kamailio ringfence') ? `--groups ${kamailioUser().gid}` : '--clear-groups'

  /** The page's command, with its paths under `root` and its users as they are here. */
  function here(command: string): string {
    return command
      .replaceAll('runuser -u ringfence --', `setpriv --reuid ${ringfence} --regid ${ringfence} ${groups}`)
      .replaceAll('/opt/ringfence/ringfence', program)
      .replaceAll(/\/(etc|var)\//g, `${root}/$1/`)
      .replaceAll('-o ringfence', `-o ${ringfence}`)
      .replaceAll('chown ringfence:', `chown ${ringfence}:${ringfence}`)
      .replace('-m 512', '-m 64')
  }
  const attempt = (command: string) => spawnSync('sh', ['-c', here(command)], { encoding: 'utf8', cwd: '/' })
  function run(command: string): ChildProcess {
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', 'sh', '-c', `exec ${here(command)}`], { cwd: '/' })
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => said.set(child, `${said.get(child) ?? ''}${chunk}`))
    children.push(child)
    return child
  }
  async function end(child: ChildProcess): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGTERM')
    await gone
  }

  return {
    inPlace,
    attempt,
    run,
    end,
    words: (child: ChildProcess) => said.get(child) ?? '',
    doctor: () => attempt(asRingfence('doctor')).stdout,
    /** What stands in the page, indented as commands, and begins so. */
    commandOf(beginning: string): string {
      const line = page.split('\n').find((one) => one.trimStart().startsWith(beginning))
      if (line === undefined) throw new Error(`docs/${name} has no command ${beginning}`)
      return line.trim()
    },
    shell(command: string): string {
      const { status, stdout, stderr } = attempt(command)
      if (status !== 0) throw new Error(`${command}: ${stderr}`)
      return stdout
    },
    kamailio: (command: string) =>
      run(command.replace(' -f ', ` -L ${kamailioModules()} -Y ${inPlace('run')} -w ${inPlace('run')} -f `)),
    /** What a machine has before the page's first step. */
    prepare(): void {
      chmodSync(root, 0o755)
      for (const path of ['etc', 'etc/kamailio', 'etc/ringfence', 'var', 'var/lib', 'data', 'run'])
        mkdirSync(inPlace(path), { mode: 0o755 })
      chownSync(inPlace('data'), ringfence, ringfence)
      chmodSync(inPlace('data'), 0o700)
      chownSync(inPlace('run'), kamailioUser().uid, 0)
    },
    settings(settings: Readonly<Record<string, string | number>>): void {
      const lines = Object.entries({ DATA: inPlace('data'), ...settings }).map(
        ([setting, value]) => `RINGFENCE_${setting}=${value}\n`,
      )
      writeFileSync(inPlace('etc/ringfence/ringfence.env'), lines.join(''), { mode: 0o644 })
    },
    async remove(): Promise<void> {
      await Promise.all(children.map(end))
      rmSync(root, { recursive: true, force: true })
    },
  }
}
