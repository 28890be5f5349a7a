/**
 * A person at home with a Linphone desktop app: everything that it knows came from the invite. `Mobile` is the same with
 * nothing but the tunnel and the settings, for a small SIP client of the test's own.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Agent } from './agent-client.ts'
import { type Linphone, startLinphone } from './linphone.ts'
import { until } from './network.ts'
import type { SipPhoneOptions } from './sip-client.ts'
import { type CreatedEmployee, linksOf, names, type Spine, type SpineHome, type SpineTunnel } from './spine.ts'

export interface Desk {
  readonly person: CreatedEmployee
  readonly extension: string
  readonly home: SpineHome
  readonly agent: Agent
  readonly tunnel: SpineTunnel
  readonly folder: string
  /** The text of the join page and the links on it, by file name. */
  readonly page: string
  readonly links: ReadonlyMap<string, string>
  /** Where the settings come from at first; the app learns another address from them. */
  readonly settingsUrl: string
  readonly startPhone: (first?: boolean) => Linphone
}

export interface DeskOptions {
  readonly name: string
  readonly extension: string
  readonly model?: 'linphone-desktop' | 'linphone-mobile'
  readonly toneHz?: number
  readonly answers?: boolean
}

/** Onboards somebody, opens the invite at home, saves what is on the page and switches the tunnel on. */
export async function moveIn(spine: Spine, options: DeskOptions): Promise<Desk> {
  const { name, extension, model = 'linphone-desktop', toneHz = 440, answers = false } = options
  const person = await spine.newcomer({
    name,
    email: `p${extension}@example.com`,
    extension,
    handsets: [{ model }],
  })
  const home = await spine.home()
  const folder = spine.folder(`desk-${extension}`)
  const { text: page } = await home.get(`${person.invite.url}?key=server`)
  const links = linksOf(page, person.invite.url)
  const saved = async (ending: string) => {
    const [file, url] = [...links].find(([each]) => each.endsWith(ending)) ?? []
    if (!file || !url) throw new Error(`the join page has no link to a file *${ending}`)
    const { status, text } = await home.get(url)
    if (status !== 200) throw new Error(`${file} was answered ${status}`)
    const path = join(folder, file)
    writeFileSync(path, text, { mode: 0o600 })
    return { path, text }
  }
  const configuration = await saved('.conf')
  const certificate =
    model === 'linphone-desktop'
      ? { chain: (await saved('-certificate.pem')).path, key: (await saved('-key.pem')).path }
      : undefined
  const settingsUrl = shownSettingsUrl(page)
  const tunnel = await home.useConfiguration(configuration.text)
  return {
    person,
    extension,
    home,
    agent: await home.agent(),
    tunnel,
    folder,
    page,
    links,
    settingsUrl,
    startPhone: (first = true) =>
      startLinphone(home, {
        folder,
        trusted: spine.publicAuthorityFile,
        ...(first ? { settingsUrl, ...(certificate ? { certificate } : {}) } : {}),
        answers,
        toneHz,
      }),
  }
}

/** The address that the page shows for those who cannot scan. */
export function shownSettingsUrl(page: string): string {
  const url = new RegExp(`https://${names.door}/p/[A-Za-z0-9_-]{43}/linphone\\.xml`).exec(page)?.[0]
  if (url === undefined) throw new Error('the join page shows no address of the settings')
  return url
}

/** How a phone with these settings signs in, for `attemptToRegister`. */
export function signIn(
  spine: Spine,
  extension: string,
  settings: string,
  certificate?: { readonly certificate: string; readonly key: string },
): SipPhoneOptions {
  const entry = (name: string) => new RegExp(`name="${name}"[^>]*>([^<]*)<`).exec(settings)?.[1] ?? ''
  return {
    host: spine.asterisk.address,
    port: Number(/:(\d+);transport=tls/.exec(entry('reg_proxy'))?.[1]),
    extension,
    username: entry('userid'),
    secret: '',
    ha1: entry('ha1'),
    ...(certificate ? { certificate } : {}),
  }
}

/** The URIs under which somebody is registered, as Asterisk lists them. */
export function contactsOf(spine: Spine, extension: string): readonly string[] {
  const listing = spine.asterisk.cli('pjsip show contacts')
  return [...listing.matchAll(new RegExp(`Contact: +${extension}/(\\S+)`, 'g'))].map(([, uri]) => uri!)
}

export function channelsOf(spine: Spine, extension: string): readonly string[] {
  const listing = spine.asterisk.cli('core show channels concise')
  return listing.split('\n').filter((line) => line.startsWith(`PJSIP/${extension}-`))
}

export async function untilRegistered(spine: Spine, extension: string, limitMs = 20_000): Promise<string> {
  await until(() => contactsOf(spine, extension).length > 0, limitMs)
  return contactsOf(spine, extension)[0]!
}
