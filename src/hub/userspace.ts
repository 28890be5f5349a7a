import { execFile, spawn } from 'node:child_process'
import { access, constants, readFile, rm, stat } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { writeDurably } from '../durable-file.ts'
import { AppError } from '../errors.ts'
import { uapiSocketPath } from '../tunnels/uapi.ts'

const startTimeoutMs = 5_000
const stopTimeoutMs = 5_000
const pollMs = 10
const endedAtOnce = 'it ended at once'
const tunDevice = '/dev/net/tun'

/** Whether a userspace WireGuard listens for this interface name, in whichever network namespace. */
export function userspaceAnswers(interfaceName: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(uapiSocketPath(interfaceName))
    const answer = (answers: boolean) => {
      socket.destroy()
      resolve(answers)
    }
    socket.once('connect', () => answer(true))
    socket.once('error', () => answer(false))
  })
}

/**
 * Starts wireguard-go so that it outlives this process: tunnels go on while the hub restarts.
 * @throws AppError COMMAND_FAILED when it does not come up.
 */
export async function startUserspace(interfaceName: string, dataFolder: string): Promise<void> {
  // With LOG_LEVEL set it keeps the standard streams of its starter open; settings are none of its business.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => name !== 'LOG_LEVEL' && (!name.startsWith('RINGFENCE_') || name.startsWith('RINGFENCE_TEST_')),
    ),
  )
  // In the foreground, so that the process id is known; in a session of its own, so that it is not ended with us.
  const child = spawn('wireguard-go', ['-f', interfaceName], { detached: true, stdio: 'ignore', env })
  let ended: string | undefined
  child.once('error', (error: NodeJS.ErrnoException) => {
    ended = error.code === 'ENOENT' ? 'it is not installed' : `it could not be started (${error.code})`
  })
  child.once('exit', (code) => {
    ended ??= `${endedAtOnce} with status ${code}`
  })
  child.unref()
  const until = Date.now() + startTimeoutMs
  while (!(await userspaceAnswers(interfaceName))) {
    if (ended !== undefined || Date.now() > until) {
      child.kill()
      const why = ended?.startsWith(endedAtOnce) ? ((await ownWords(interfaceName, env)) ?? ended) : ended
      throw new AppError(
        'COMMAND_FAILED',
        `wireguard-go does not run: ${why ?? 'it did not open its socket in time'}`,
        {
          hint: await needs(),
        },
      )
    }
    await delay(pollMs)
  }
  await writeDurably(pidFile(interfaceName, dataFolder), `${child.pid}\n`)
}

/**
 * What it says of why it ends at once, from a second try: the first has nobody who listens, since it would die of its first
 * word after the hub has gone.
 */
function ownWords(interfaceName: string, env: NodeJS.ProcessEnv): Promise<string | null> {
  return new Promise((resolve) => {
    // Should it run this time, it is ended: the next start of the hub tries again.
    execFile('wireguard-go', ['-f', interfaceName], { env, timeout: 1_000 }, (_, stdout, stderr) => {
      const last = `${stdout}\n${stderr}`.split('\n').findLast((line) => line.startsWith('ERROR:'))
      // `ERROR: (ringfence0) 2026/11/25 23:10:02 Failed to create TUN device: permission denied`
      resolve(last?.replace(/^ERROR: (?:\([^)]*\) )?(?:[0-9/]+ [0-9:]+ )?/, '').slice(0, 200) ?? null)
    })
  })
}

/** A hint that names what is seen to lack, if anything is. */
async function needs(): Promise<string> {
  const code = await access(tunDevice, constants.R_OK | constants.W_OK).then(
    () => null,
    (error: NodeJS.ErrnoException) => error.code,
  )
  if (code === 'ENOENT') return `there is no ${tunDevice}: as root \`modprobe tun\``
  if (code === 'EACCES') {
    const { mode } = await stat(tunDevice)
    return `the user that runs the hub may not open ${tunDevice} (mode ${(mode & 0o7777).toString(8).padStart(4, '0')}): as root \`chmod 0666 ${tunDevice}\`, which is what udev makes it`
  }
  return `it needs the package wireguard-go, ${tunDevice} and root or CAP_NET_ADMIN`
}

/** Ends the wireguard-go that we started, now or in an earlier life. False when its process is not known. */
export async function stopUserspace(interfaceName: string, dataFolder: string): Promise<boolean> {
  const path = pidFile(interfaceName, dataFolder)
  const pid = Number((await readFile(path, 'utf8').catch(() => '')).trim())
  const known = await isOurs(pid, interfaceName)
  if (known) {
    process.kill(pid, 'SIGTERM')
    const until = Date.now() + stopTimeoutMs
    while (await isOurs(pid, interfaceName)) {
      if (Date.now() > until) process.kill(pid, 'SIGKILL')
      await delay(pollMs)
    }
  }
  await rm(path, { force: true })
  return known
}

/** wireguard-go removes its socket when it is asked to end, but not when it was killed or lost its interface. */
export async function removeSocket(interfaceName: string): Promise<void> {
  const until = Date.now() + stopTimeoutMs
  while (await userspaceAnswers(interfaceName)) {
    if (Date.now() > until) return
    await delay(pollMs)
  }
  await rm(uapiSocketPath(interfaceName), { force: true })
}

/** A number in a file may long belong to another process. */
async function isOurs(pid: number, interfaceName: string): Promise<boolean> {
  if (!Number.isSafeInteger(pid) || pid <= 1) return false
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  const words = command.split('\0').filter((word) => word !== '')
  return words[0]?.split('/').at(-1) === 'wireguard-go' && words.at(-1) === interfaceName
}

function pidFile(interfaceName: string, dataFolder: string): string {
  return join(dataFolder, `${interfaceName}.pid`)
}
