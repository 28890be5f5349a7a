/**
 * The whole of Ringfence on real systems: the server in the hub's namespace, wireguard-go, an Asterisk that can be reached
 * only through the hub, and homes that reach only the hub's public address. Each home has a split name service of its own
 * (`/etc/netns/<name>/hosts`): `phones.ringfence.test` and `vpn.ringfence.test` are the hub, `pbx.ringfence.test` is the
 * PBX's address inside the VPN.
 *
 * The certificates of phone door and PBX come from a "public" authority that every home trusts, as softphones need it; the
 * PBX takes client certificates of Ringfence's own Handset CA.
 */
import { copyFileSync, mkdirSync, mkdtempSync, rmdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { Secret } from '../../src/domain/secret.ts'
import type { EmployeeView, Onboarded } from '../../src/journeys/application.ts'
import type { LeaverFile } from '../../src/journeys/leaver-view.ts'
import type { BlankedView, ResyncView } from '../../src/journeys/phone-view.ts'
import { type AsteriskLab, type AsteriskLabOptions, startAsterisk } from './asterisk.ts'
import { type Fetched, fetchFrom } from './fetch.ts'
import { type Client, type Home, type Namespace, type Office, openOffice, uniqueName, until } from './network.ts'
import { type ServerProcess, serverProcess } from './server-process.ts'
import { issueTestCertificate, makeTestAuthority } from './test-certificates.ts'

export const names = {
  door: 'phones.ringfence.test',
  hub: 'vpn.ringfence.test',
  pbx: 'pbx.ringfence.test',
  edge: 'sip.ringfence.test',
} as const

/** Beside the PBX, for a test that puts an edge there. */
export const edgeAddress = '10.91.0.3'

export const hubAddress = '10.77.0.1'
const hubPort = 51_820

export interface Spine extends AsyncDisposable {
  readonly office: Office
  readonly asterisk: AsteriskLab
  readonly server: ServerProcess
  readonly interface: string
  /** PEM file of the authority that everybody's device trusts from the factory. */
  readonly publicAuthorityFile: string
  /** PEM file of the Handset CA, as an admin copies it to the PBX. */
  readonly handsetAuthorityFile: string
  /** A folder that goes with the lab. */
  folder(label: string): string
  newcomer(person: Newcomer): Promise<CreatedEmployee>
  employee(id: string): Promise<EmployeeView>
  offboard(id: string, waitSeconds?: number): Promise<EmployeeView>
  /** A new link in place of the old one. */
  invite(id: string): Promise<CreatedEmployee>
  addHandset(id: string, model: string): Promise<CreatedEmployee>
  removeHandset(id: string): Promise<EmployeeView>
  /** Ticks what a person must see to. */
  acknowledge(id: string, system: string): Promise<EmployeeView>
  resyncHandset(id: string): Promise<ResyncView>
  blankHandset(id: string): Promise<BlankedView>
  report(id: string): Promise<LeaverFile>
  /** A home with its own name service; nothing in it knows of the VPN yet. */
  home(): Promise<SpineHome>
  /** A name service like that home's for another namespace in it. */
  nameService(place: Namespace, home: Home): void
}

export interface Newcomer {
  readonly name: string
  readonly email: string
  readonly extension: string
  readonly handsets: readonly { readonly model: string; readonly mac?: string }[]
  readonly gateway?: string
}

/** Where the PBX keeps its accounts; without one, in files. */
export interface AccountPlace {
  readonly asterisk: Pick<AsteriskLabOptions, 'modules' | 'before' | 'files' | 'pjsip'>
  /** Of the server, without their prefix. */
  readonly settings: Readonly<Record<string, string>>
  /** Called when nothing uses it any more. */
  readonly stop?: () => Promise<void>
}

/** What the API answers to a creation. */
export type CreatedEmployee = Omit<EmployeeView, 'handsets'> & {
  readonly handsets: readonly (EmployeeView['handsets'][number] & { readonly provisioningUrl: string })[]
  readonly invite: Onboarded['invite']
}

export interface SpineHome extends Home {
  /** `address`: where to ask instead of where the name leads. */
  get(url: string, address?: string): Promise<Fetched>
  /** Reads a `.conf` as a WireGuard app does and brings the tunnel up. */
  useConfiguration(text: string): Promise<SpineTunnel>
}

export interface SpineTunnel extends Client {
  /** Without length. */
  readonly address: string
}

/** Conversations: whoever is called by number rings; 600 answers and echoes. */
const dialplan = `[from-internal]
exten => 600,1,Answer()
 same => n,Echo()
exten => _XXXX,1,Dial(PJSIP/\${EXTEN},20)
`

/**
 * @param settings of the server, without their prefix, beside the lab's own
 * @param own Ringfence makes the PBX's certificate too (its Service CA) and puts it, with the Handset CA, into the folder
 *   that Asterisk includes: what an admin gets who sets nothing. Without it the PBX shows a public certificate.
 */
export async function openSpine(
  settings: Readonly<Record<string, string>> = {},
  {
    own = false,
    accounts,
  }: {
    readonly own?: boolean
    /** `root`: a folder that goes with the lab; the public authority is `public-ca.pem` in it. */
    readonly accounts?: (root: string, office: Office) => AccountPlace | Promise<AccountPlace>
  } = {},
): Promise<Spine> {
  const root = mkdtempSync(join(tmpdir(), `rf-spine-lab-${process.pid}-`))
  const deeds: (() => Promise<unknown> | unknown)[] = [() => rmSync(root, { recursive: true, force: true })]
  const dispose = async () => {
    const failures: unknown[] = []
    for (const deed of deeds.splice(0).reverse()) {
      try {
        await deed()
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, 'the spine lab could not be taken down')
  }
  try {
    const office = await openOffice()
    deeds.push(() => office[Symbol.asyncDispose]())
    const authority = makeTestAuthority('A public authority')
    const publicAuthorityFile = join(root, 'public-ca.pem')
    writeFileSync(publicAuthorityFile, authority.certificate)
    const door = issueTestCertificate(authority, names.door, [names.door])
    writeFileSync(join(root, 'door.pem'), door.certificate)
    writeFileSync(join(root, 'door.key'), door.key, { mode: 0o600 })

    const place = await accounts?.(root, office)
    deeds.push(() => place?.stop?.())
    const asterisk = await startAsterisk({
      address: office.pbxAddress,
      namespace: office.pbx.name,
      serverAuthority: authority,
      serverCertificate: issueTestCertificate(authority, names.pbx, [names.pbx, office.pbxAddress]),
      dialplan,
      ...place?.asterisk,
    })
    deeds.push(() => asterisk.stop())
    writeFileSync(join(root, 'manager-ca.pem'), authority.certificate)
    writeFileSync(join(root, 'ami-secret'), asterisk.ami.secret.reveal(), { mode: 0o600 })

    const { transports, context, realm } = asterisk.driverOptions
    const interfaceName = uniqueName('rfs')
    const server = await serverProcess(office.hub, interfaceName, {
      LISTEN: '127.0.0.1:8080',
      PHONE_LISTEN: '0.0.0.0:443',
      PHONE_URL: `https://${names.door}`,
      PHONE_TLS_CERT: join(root, 'door.pem'),
      PHONE_TLS_KEY: join(root, 'door.key'),
      HUB_ENDPOINT: `${names.hub}:${hubPort}`,
      PBX: 'asterisk',
      PBX_ADDRESS: office.pbxAddress,
      PBX_HOST: names.pbx,
      PBX_PORT: String(asterisk.port),
      PBX_MTLS_PORT: String(asterisk.mtlsPort),
      PBX_REALM: realm,
      PBX_CONTEXT: context,
      PBX_CONFIG_DIR: asterisk.configDir,
      PBX_AMI: `${asterisk.amiTls.host}:${asterisk.amiTls.port}`,
      PBX_AMI_TLS: 'yes',
      PBX_MANAGEMENT_CA_FILE: join(root, 'manager-ca.pem'),
      PBX_AMI_USER: asterisk.ami.username,
      PBX_AMI_SECRET_FILE: join(root, 'ami-secret'),
      ...(own
        ? {}
        : {
            // As Asterisk sees them; it has a root folder of its own.
            PBX_TLS_CERT: transports!.certificateFile,
            PBX_TLS_KEY: transports!.keyFile,
            PBX_CA_FILE: transports!.handsetCaFile,
          }),
      TEST_SWEEP_MS: '1000',
      LOG_LEVEL: 'info',
      ...place?.settings,
      ...settings,
    })
    if (own) deeds.push(showSamePath(asterisk))
    deeds.push(() => server[Symbol.asyncDispose]())
    await server.start()
    const handsetAuthorityFile = join(server.dataFolder, 'pki', 'handset-ca.pem')
    // Once, by the admin: whose client certificates the PBX takes. It reads the file when it starts.
    if (!own) copyFileSync(handsetAuthorityFile, join(outsideRoot(asterisk), transports!.handsetCaFile))
    await asterisk.restart()

    const call = async <T>(method: string, path: string, body?: unknown, headers?: Record<string, string>) => {
      const answer = await server.api(method, `/api/v1${path}`, body, headers)
      if (answer.status >= 300)
        throw new Error(`${method} ${path} was answered ${answer.status}: ${JSON.stringify(answer.body)}`)
      return answer.body as T
    }
    const nameService = (place: Namespace, home: Home) => {
      const folder = join('/etc/netns', place.name)
      mkdirSync(folder, { recursive: true })
      deeds.push(() => rmSync(folder, { recursive: true, force: true }))
      writeFileSync(
        join(folder, 'hosts'),
        `127.0.0.1 localhost\n${home.publicAddress} ${names.door} ${names.hub}\n${office.pbxAddress} ${names.pbx}\n${edgeAddress} ${names.edge}\n`,
      )
      writeFileSync(join(folder, 'resolv.conf'), 'nameserver 127.0.0.1\n')
    }
    return {
      office,
      asterisk,
      server,
      interface: interfaceName,
      publicAuthorityFile,
      handsetAuthorityFile,
      folder(label) {
        const path = mkdtempSync(join(root, `${label}-`))
        return path
      },
      newcomer: (person) => call<CreatedEmployee>('POST', '/employees', person),
      employee: (id) => call<EmployeeView>('GET', `/employees/${id}`),
      offboard: (id, waitSeconds = 0) =>
        call<EmployeeView>('POST', `/employees/${id}/offboard`, {}, { prefer: `wait=${waitSeconds}` }),
      invite: (id) => call<CreatedEmployee>('POST', `/employees/${id}/invites`, {}),
      addHandset: (id, model) => call<CreatedEmployee>('POST', `/employees/${id}/handsets`, { model }),
      removeHandset: (id) => call<EmployeeView>('DELETE', `/handsets/${id}`),
      acknowledge: (id, system) => call<EmployeeView>('POST', `/employees/${id}/access/${system}/acknowledge`, {}),
      resyncHandset: (id) => call<ResyncView>('POST', `/handsets/${id}/resync`),
      blankHandset: (id) => call<BlankedView>('POST', `/handsets/${id}/blank`),
      report: (id) => call<LeaverFile>('GET', `/employees/${id}/report`),
      nameService,
      async home() {
        const home = await office.home()
        nameService(home, home)
        await giveDefaultRoute(home)
        return {
          ...home,
          get: (url, address) => fetchFrom(home, publicAuthorityFile, url, address),
          useConfiguration: (text) => useConfiguration(home, text),
        }
      },
      [Symbol.asyncDispose]: dispose,
    }
  } catch (error) {
    await dispose()
    throw error
  }
}

/** The folder that Asterisk takes for `/`. */
function outsideRoot(asterisk: AsteriskLab): string {
  // <root>/srv/<name>/etc
  return dirname(dirname(dirname(asterisk.etcDir)))
}

/** On one host, PBX and Ringfence call the config folder by the same name; here a link inside Asterisk's root does it. */
function showSamePath(asterisk: AsteriskLab): () => void {
  const root = outsideRoot(asterisk)
  const link = join(root, asterisk.configDir)
  mkdirSync(dirname(link), { recursive: true })
  symlinkSync(asterisk.configDir.slice(root.length), link)
  return () => {
    rmSync(link)
    // Up to what another lab still uses: two test files may run at a time.
    try {
      for (let folder = dirname(link); dirname(folder) !== root; folder = dirname(folder)) rmdirSync(folder)
    } catch {
      // Not empty.
    }
  }
}

/** The line of a verdict list that speaks of one system; throws when there is none or more than one. */
export function lineOf(person: Pick<EmployeeView, 'access'>, system: string): EmployeeView['access'][number] {
  const [line, ...more] = person.access.filter((each) => each.system === system)
  if (!line || more.length > 0)
    throw new Error(`not one line of ${system}: ${JSON.stringify(person.access.map((each) => each.system))}`)
  return line
}

/** The links of a join page, by the name of the file they lead to. */
export function linksOf(page: string, baseUrl: string): ReadonlyMap<string, string> {
  const links = [...page.matchAll(/href="(\/join\/[^"]+)"/g)].map(([, path]) => new URL(path!, baseUrl).href)
  return new Map(links.map((link) => [decodeURIComponent(basename(link)), link]))
}

/**
 * Softphones take a network without a default route for no network. This one leads onto the cable, where nobody but the
 * hub's public address answers.
 */
async function giveDefaultRoute(home: Namespace): Promise<void> {
  const routes = await home.run('ip', 'route', 'show', 'proto', 'kernel')
  const cable = / dev (\S+)/.exec(routes)?.[1]
  if (cable === undefined) throw new Error(`the home has no cable: ${routes}`)
  await home.run('ip', 'route', 'add', 'default', 'dev', cable)
}

async function useConfiguration(home: Home, text: string): Promise<SpineTunnel> {
  const value = (key: string) => {
    const found = new RegExp(`^${key} = (.+)$`, 'm').exec(text)?.[1]
    if (found === undefined) throw new Error(`the configuration has no ${key}`)
    return found
  }
  if (value('Endpoint') !== `${names.hub}:${hubPort}`) throw new Error('the configuration leads elsewhere')
  const address = value('Address')
  const client = await home.connect({
    hubKey: value('PublicKey'),
    port: hubPort,
    address,
    allowedIps: value('AllowedIPs').split(', '),
    privateKey: new Secret(value('PrivateKey')),
    presharedKey: new Secret(value('PresharedKey')),
  })
  return { ...client, address: address.replace(/\/32$/, '') }
}

/** Waits until the API shows the person so. */
export async function untilShown(
  spine: Spine,
  id: string,
  condition: (person: EmployeeView) => boolean,
  limitMs = 20_000,
): Promise<EmployeeView> {
  let last: EmployeeView | undefined
  await until(async () => {
    last = await spine.employee(id)
    return condition(last)
  }, limitMs).catch((error: unknown) => {
    throw new Error(`not so: ${JSON.stringify(last, null, 1)}`, { cause: error })
  })
  return last!
}
