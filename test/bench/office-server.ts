/** The whole server in an office's hub namespace over a data folder that was filled before, and phones that it onboards. */
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Secret } from '../../src/domain/secret.ts'
import { privateFolder } from '../../src/durable-file.ts'
import type { EmployeeView } from '../../src/journeys/application.ts'
import { uapiDriver, uapiSocketPath } from '../../src/tunnels/uapi.ts'
import { openVault } from '../../src/vault.ts'
import type { Agent } from '../lab/agent-client.ts'
import { type Client, type Home, type Office, uniqueName, until } from '../lab/network.ts'
import { type ServerProcess, serverProcess } from '../lab/server-process.ts'
import type { CreatedEmployee } from '../lab/spine.ts'
import { type Fleet, seedFolder } from './fleet.ts'

const hubPort = 51_820

export interface OfficeServer extends AsyncDisposable {
  readonly process: ServerProcess
  readonly interface: string
  readonly fleet: Fleet
  call<T>(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<T>
  onboard(index: number): Promise<CreatedEmployee>
  /** What the employee's WireGuard app imports from the join page. */
  configurationOf(person: CreatedEmployee): Promise<string>
  /** Process id of the hub and of wireguard-go. */
  parts(): Promise<{ readonly hub: number; readonly wireguard: number }>
}

/** Not started yet; `size` people with a phone each are in its database. */
export async function officeServer(
  office: Office,
  size: number,
  settings: Readonly<Record<string, string>> = {},
): Promise<OfficeServer> {
  const interfaceName = uniqueName('rfb')
  const passphrase = randomBytes(24).toString('base64url')
  const server = await serverProcess(office.hub, interfaceName, {
    PASSPHRASE: passphrase,
    LISTEN: '127.0.0.1:8080',
    PHONE_LISTEN: '127.0.0.1:8443',
    PHONE_TLS: 'off',
    PHONE_URL: 'https://phones.ringfence.test',
    HUB_ENDPOINT: `vpn.ringfence.test:${hubPort}`,
    PBX_ADDRESS: office.pbxAddress,
    PBX_HOST: 'pbx.ringfence.test',
    LOG_LEVEL: 'warn',
    ...settings,
  })
  try {
    await privateFolder(server.dataFolder)
    const vault = await openVault(join(server.dataFolder, 'vault.json'), new Secret(passphrase))
    const fleet = await seedFolder(server.dataFolder, vault, size)
    const call = async <T>(method: string, path: string, body?: unknown, headers?: Record<string, string>) => {
      const answer = await server.api(method, path, body, headers)
      if (answer.status >= 300)
        throw new Error(`${method} ${path} was answered ${answer.status}: ${JSON.stringify(answer.body)}`)
      return answer.body as T
    }
    return {
      process: server,
      interface: interfaceName,
      fleet,
      call,
      onboard: (index) =>
        call<CreatedEmployee>('POST', '/api/v1/employees', {
          name: `Starter ${index}`,
          email: `starter${index}@example.com`,
          extension: String(600_000 + index),
          handsets: [{ model: 'linphone-mobile' }],
        }),
      async configurationOf(person) {
        const link = new URL(person.invite.url)
        const url = `http://127.0.0.1:8443${link.pathname}/pbx-${person.extension}.conf`
        const text = await office.hub.run(process.execPath, '-e', fetchAndPrint, url)
        if (!text.startsWith('[Interface]')) throw new Error('the join page gave no configuration')
        return text
      },
      async parts() {
        const [hub] = await childrenOf(server.pid()!)
        const wireguard = await readFile(join(server.dataFolder, 'hub', `${interfaceName}.pid`), 'utf8')
        return { hub: hub!, wireguard: Number(wireguard) }
      },
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    }
  } catch (error) {
    await server[Symbol.asyncDispose]()
    throw error
  }
}

const fetchAndPrint = 'process.stdout.write(await (await fetch(process.argv[1])).text())'

async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')
  return text.split(' ').filter(Boolean).map(Number)
}

/** All lines of a person are there and none is being worked on. */
export async function atRest(server: OfficeServer, id: string): Promise<EmployeeView> {
  await server.call('GET', `/api/v1/employees/${id}/access`, undefined, { prefer: 'wait=20' })
  return server.call<EmployeeView>('GET', `/api/v1/employees/${id}`)
}

/** A phone at home that takes over one configuration after another; its agent sends and hears echoes. */
export interface OfficePhone {
  readonly client: Client
  readonly agent: Agent
  use(configuration: string): Promise<void>
}

export async function officePhone(office: Office, configuration: string): Promise<OfficePhone> {
  const home = await office.home()
  const first = valuesOf(configuration)
  const client = await home.connect({
    hubKey: first.hubKey,
    port: hubPort,
    address: first.address,
    allowedIps: first.allowedIps,
    privateKey: first.privateKey,
    presharedKey: first.presharedKey,
  })
  return { client, agent: await home.agent(), use: (next) => useConfiguration(home, client, next) }
}

async function useConfiguration(home: Home, client: Client, configuration: string): Promise<void> {
  const { address, allowedIps, hubKey, presharedKey, privateKey } = valuesOf(configuration)
  const driver = uapiDriver(uapiSocketPath(client.interface))
  try {
    const signal = AbortSignal.timeout(5_000)
    await driver.setPrivateKey(privateKey, signal)
    await driver.apply([{ kind: 'put', publicKey: hubKey, presharedKey, allowedIps }], signal)
  } finally {
    driver.close()
  }
  await home.run('ip', 'addr', 'flush', 'dev', client.interface)
  await home.run('ip', 'addr', 'add', address, 'dev', client.interface)
  for (const prefix of allowedIps) await home.run('ip', 'route', 'replace', prefix, 'dev', client.interface)
}

function valuesOf(configuration: string) {
  const value = (key: string) => {
    const found = new RegExp(`^${key} = (.+)$`, 'm').exec(configuration)?.[1]
    if (found === undefined) throw new Error(`the configuration has no ${key}`)
    return found
  }
  return {
    privateKey: new Secret(value('PrivateKey')),
    presharedKey: new Secret(value('PresharedKey')),
    address: value('Address'),
    hubKey: value('PublicKey'),
    allowedIps: value('AllowedIPs').split(', '),
  }
}

/** Resolves when nobody of the fleet waits for a first verdict any more. */
export async function settledFleet(server: OfficeServer, limitMs = 120_000): Promise<void> {
  const last = server.fleet.employeeIds.at(-1)!
  await until(async () => {
    const { access } = await server.call<EmployeeView>('GET', `/api/v1/employees/${last}`)
    return access.length >= 4 && access.every(({ verdict }) => verdict !== 'retrying')
  }, limitMs)
}
