/**
 * A home with a gateway (a router with WireGuard) and desk phones behind it that know nothing of tunnels. The gateway does
 * what its page in the invite says; a phone does what its provisioning files say.
 */
import type { Agent } from './agent-client.ts'
import { fetchFrom } from './fetch.ts'
import { type Namespace, uniqueName } from './network.ts'
import { attemptToRegister } from './sip-attempt.ts'
import { type ListeningPhone, stayRegistered } from './sip-listener.ts'
import { names, type Spine, type SpineHome, type SpineTunnel } from './spine.ts'

export interface Gateway {
  readonly home: SpineHome
  readonly tunnel: SpineTunnel
  /** Plugs a phone in and gives it the address that is reserved for it. */
  plugIn(address: string): Promise<PluggedIn>
}

export interface PluggedIn {
  readonly place: Namespace
  readonly agent: Agent
  readonly address: string
}

/** What a Yealink phone has learnt from its files. */
export interface DeskPhone extends PluggedIn {
  readonly settings: string
  readonly authority: string
  readonly certificate: { readonly certificate: string; readonly key: string }
  /** Signs in as its files say, at the name, port and with the trust that they give it. */
  register(change?: { readonly authority?: string }): Promise<number | string>
  /** Signs in and stays, and hears what the PBX tells it. */
  stay(): Promise<ListeningPhone>
}

/** @param page the join page; @param configuration the `.conf` that it links */
export async function setUpGateway(spine: Spine, page: string, configuration: string): Promise<Gateway> {
  const home = await spine.home()
  const text = page.replace(/<[^>]+>/g, ' ').replace(/\s+/g, ' ')
  const network = /network \(VLAN\) for phones only: ([0-9.]+)\/(\d+)/.exec(text)
  const own = /gateway's own address in it is ([0-9.]+)/.exec(text.replaceAll('&#39;', "'"))?.[1]
  if (!network || !own) throw new Error(`the page names no network for the phones: ${text}`)
  const length = network[2]!
  const tunnel = await home.useConfiguration(configuration)
  // One switch, to which all phones are cabled.
  const bridge = uniqueName('rfb')
  await home.run('ip', 'link', 'add', bridge, 'type', 'bridge')
  await home.run('ip', 'addr', 'add', `${own}/${length}`, 'dev', bridge)
  await home.run('ip', 'link', 'set', bridge, 'up')
  await home.run('sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward')
  // To the Internet with the home's own address, as every router does it; into the tunnel with the phone's.
  const cable = / dev (\S+)/.exec(await home.run('ip', 'route', 'show', 'default'))![1]!
  await home.run('nft', 'add', 'table', 'ip', 'home')
  await home.run('nft', 'add', 'chain', 'ip', 'home', 'out', '{ type nat hook postrouting priority srcnat; }')
  await home.run('nft', 'add', 'rule', 'ip', 'home', 'out', 'oifname', cable, 'masquerade')
  return {
    home,
    tunnel,
    async plugIn(address) {
      const place = await spine.office.namespace('desk')
      const [here, there] = [uniqueName('rfp'), uniqueName('rfq')]
      await home.run('ip', 'link', 'add', here, 'type', 'veth', 'peer', 'name', there, 'netns', place.name)
      await home.run('ip', 'link', 'set', here, 'master', bridge, 'up')
      await place.run('ip', 'addr', 'add', `${address}/${length}`, 'dev', there)
      await place.run('ip', 'link', 'set', there, 'up')
      await place.run('ip', 'route', 'add', 'default', 'via', own)
      spine.nameService(place, home)
      return { place, agent: await place.agent(), address }
    },
  }
}

/** Follows the files of a Yealink phone, from the address that somebody typed into it. */
export async function provision(
  spine: Spine,
  plug: PluggedIn,
  url: string,
  { mac, extension }: { readonly mac: string; readonly extension: string },
): Promise<DeskPhone> {
  const fetched = async (address: string) => {
    const { status, text } = await fetchFrom(plug.place, spine.publicAuthorityFile, address)
    if (status !== 200) throw new Error(`${address.replace(/\/p\/[^/]+/, '/p/…')} was answered ${status}`)
    return text
  }
  const first = await fetched(`${url}${mac}.cfg`)
  // From here on it asks where its file tells it to.
  const settings = await fetched(`${setting(first, 'static.auto_provision.server.url')}${mac}.cfg`)
  const authority = await fetched(setting(settings, 'static.trusted_certificates.url'))
  const bundle = await fetched(setting(settings, 'static.server_certificates.url'))
  const certificate = { certificate: partOf(bundle, 'CERTIFICATE'), key: partOf(bundle, 'PRIVATE KEY') }
  const folder = spine.folder(`phone-${extension}`)
  const account = (name: string) => setting(settings, `account.1.${name}`)
  const signIn = (trusted: string) => ({
    host: account('sip_server.1.address'),
    port: Number(account('sip_server.1.port')),
    extension,
    username: account('auth_name'),
    secret: account('password'),
    trusts: { authority: trusted, name: names.pbx },
    certificate,
  })
  return {
    ...plug,
    settings,
    authority,
    certificate,
    register: (change = {}) => attemptToRegister(plug.place, folder, signIn(change.authority ?? authority)),
    stay: () => stayRegistered(plug.place, folder, signIn(authority)),
  }
}

export function setting(text: string, name: string): string {
  const line = text.split('\n').find((each) => each.startsWith(`${name} = `))
  if (line === undefined) throw new Error(`the file does not set ${name}`)
  return line.slice(name.length + 3)
}

function partOf(bundle: string, kind: string): string {
  const part = new RegExp(`-----BEGIN ${kind}-----[^-]+-----END ${kind}-----`).exec(bundle)?.[0]
  if (part === undefined) throw new Error(`the bundle holds no ${kind}`)
  return part
}
