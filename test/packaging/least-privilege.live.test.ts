import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { type HubClient, hubClient } from '../../src/tunnels/hub-client.ts'
import { labSettings } from '../lab/hub.ts'
import { describeLive } from '../setup/requirements.ts'

// What the systemd unit and the compose file claim: the hub does its whole work with CAP_NET_ADMIN alone. Neither systemd
// nor a container engine is needed to try it, only setpriv(1) and namespaces of the test's own.

const checkout = join(import.meta.dirname, '../..')
/** CAP_NET_ADMIN is bit 12 (linux/capability.h). */
const netAdminOnly = (1n << 12n).toString(16).padStart(16, '0')
const group = 65_533
const stranger = 65_530

const roles = [
  { title: 'the systemd unit runs it: a plain user', uid: 65_534, ambient: true },
  { title: 'the container runs it: root without the other powers', uid: 0, ambient: false },
] as const

describeLive('a hub with CAP_NET_ADMIN and nothing else', ['namespaces', 'tun', 'wireguard-go', 'wg', 'nft'], () => {
  describe.each(roles)('as $title', ({ uid, ambient }) => {
    test('brings up interface and firewall, takes peers, and lets in its group only', async () => {
      await withHub(uid, ambient, async ({ client, pid, socket }) => {
        const status = readFileSync(`/proc/${pid}/status`, 'utf8')
        expect(/^CapEff:\s*(\w+)/m.exec(status)?.[1]).toBe(netAdminOnly)
        expect(/^CapBnd:\s*(\w+)/m.exec(status)?.[1]).toBe(netAdminOnly)

        const signal = AbortSignal.timeout(20_000)
        expect((await client.describe(signal)).mode).toBe('userspace')
        expect((await client.readFirewall(signal)).rulesIntact).toBe(true)
        const publicKey = randomBytes(32).toString('base64')
        const peer = { publicKey, presharedKey: null, allowedIps: ['10.77.0.9/32'] }
        await client.applyPeers({ revision: { lease: 1, number: 1 }, put: [peer], remove: [] }, signal)
        expect((await client.readPeers([publicKey], signal)).map(({ allowedIps }) => allowedIps)).toEqual([
          ['10.77.0.9/32'],
        ])

        expect(statSync(socket).mode & 0o777).toBe(0o660)
        expect(mayConnect(socket, stranger, group)).toBe(true)
        expect(mayConnect(socket, stranger, stranger)).toBe(false)
      })
    })
  })

  test('says why no packet moves where its user may not open the tunnel device, in the words of wireguard-go', async () => {
    await withHub(
      65_534,
      true,
      async ({ client }) => {
        const { mode, problems } = await client.describe(AbortSignal.timeout(20_000))
        expect(mode).toBe('preview')
        expect(problems).toContainEqual({
          message: expect.stringMatching(
            /wireguard-go does not run: Failed to create TUN device: .*permission denied$/,
          ),
          hint: expect.stringMatching(/may not open \/dev\/net\/tun \(mode 0600\).*chmod 0666/),
        })
      },
      { mode: 'auto', tunMode: '0600' },
    )
  })
})

interface Hub {
  readonly client: HubClient
  readonly pid: number
  readonly socket: string
}

async function withHub(
  uid: number,
  ambient: boolean,
  use: (hub: Hub) => Promise<void>,
  { mode = 'userspace', tunMode = '0666' }: { mode?: 'userspace' | 'auto'; tunMode?: string } = {},
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), `ringfence-privilege-${process.pid}-`))
  let child: ChildProcess | null = null
  let client: HubClient | null = null
  try {
    // As systemd's StateDirectory and RuntimeDirectory, or the image's folders: the data closed, the socket for the group.
    chownSync(folder, uid, group)
    spawnSync('chmod', ['0751', folder])
    for (const [name, mode] of [
      ['data', 0o700],
      ['run', 0o750],
      ['code', 0o755],
    ] as const) {
      mkdirSync(join(folder, name), { mode })
      chownSync(join(folder, name), uid, group)
    }
    const socket = join(folder, 'run/hub.sock')
    const settings = labSettings(folder, { socketPath: socket, socketMode: 0o660, mode })
    child = spawn('unshare', ['--mount', '--net', 'sh', '-euc', stage, 'sh', ...program(folder, uid, ambient)], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        ...process.env,
        PATH: `${process.env.PATH}:/usr/sbin:/sbin`,
        CHECKOUT: checkout,
        CODE: join(folder, 'code'),
        OWNER: `${uid}:${group}`,
        TUN_MODE: tunMode,
        TMPDIR: join(folder, 'data'),
        RINGFENCE_HUB_SETTINGS: JSON.stringify(settings),
      },
    })
    let words = ''
    child.stderr?.on('data', (chunk) => {
      words = `${words}${chunk}`.slice(-4000)
    })
    await until(
      () => isSocket(socket),
      () => `the hub did not come up: ${words}`,
      child,
    )
    client = hubClient(socket)
    await use({ client, pid: child.pid ?? 0, socket })
    await client.shutdown(true, AbortSignal.timeout(20_000))
    const running = child
    await until(
      () => running.exitCode !== null,
      () => `the hub did not end: ${words}`,
    )
    expect(running.exitCode).toBe(0)
  } finally {
    client?.close()
    if (child && child.exitCode === null) child.kill('SIGKILL')
    // wireguard-go outlives a killed hub on purpose; here it is found by its own network, which is nobody else's.
    for (const pid of leftIn(folder)) process.kill(pid, 'SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Prepares a private /run and /dev/net/tun (mostly 0666, as udev makes it on Debian), then becomes the program. */
const stage = `
  ip link set lo up
  mount --bind "$CHECKOUT" "$CODE"
  mount -t tmpfs tmpfs /run
  mkdir -m 0750 /run/wireguard
  chown "$OWNER" /run/wireguard
  mknod -m "$TUN_MODE" /run/tun c 10 200
  mount --bind /run/tun /dev/net/tun
  exec "$@"
`

function program(folder: string, uid: number, ambient: boolean): readonly string[] {
  // Through the bind mount, because the plain user may not be able to walk to the checkout itself.
  const inside = relative(checkout, process.execPath)
  const node = inside.startsWith('..') ? process.execPath : join(folder, 'code', inside)
  return [
    'setpriv',
    ...['--reuid', String(uid), '--regid', String(group), '--clear-groups', '--no-new-privs'],
    ...['--inh-caps=-all,+net_admin', '--bounding-set=-all,+net_admin'],
    ...(ambient ? ['--ambient-caps=-all,+net_admin'] : []),
    node,
    join(folder, 'code/src/hub/hub-entry.ts'),
  ]
}

function mayConnect(socket: string, uid: number, gid: number): boolean {
  // perl is part of every Debian; Node's own path may be closed to this user.
  const script =
    'use Socket; socket(my $s, PF_UNIX, SOCK_STREAM, 0) or exit 4; connect($s, sockaddr_un($ARGV[0])) or exit 3'
  const identity = ['--reuid', String(uid), '--regid', String(gid), '--clear-groups']
  const { status } = spawnSync('setpriv', [...identity, 'perl', '-e', script, socket], { timeout: 10_000 })
  if (status !== 0 && status !== 3) throw new Error(`the attempt to connect could not be made (${status})`)
  return status === 0
}

/** Processes that have the hub's settings, which name this folder, in their environment. */
function leftIn(folder: string): readonly number[] {
  const { stdout } = spawnSync('grep', ['-lsa', folder, ...procFiles()], { encoding: 'utf8' })
  return stdout.split('\n').flatMap((path) => {
    const pid = Number(path.split('/')[2])
    return pid > 0 && pid !== process.pid ? [pid] : []
  })
}

function procFiles(): readonly string[] {
  const { stdout } = spawnSync('ls', ['/proc'], { encoding: 'utf8' })
  return stdout
    .split('\n')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => `/proc/${pid}/environ`)
}

function isSocket(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isSocket() ?? false
}

async function until(done: () => boolean, otherwise: () => string, child?: ChildProcess): Promise<void> {
  const limit = Date.now() + 30_000
  while (!done()) {
    if (Date.now() > limit || (child && child.exitCode !== null)) throw new Error(otherwise())
    await pause(20)
  }
}
