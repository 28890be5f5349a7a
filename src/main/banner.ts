import { resolve } from 'node:path'
import type { Serving } from '../main.ts'

type Shown = Pick<Serving, 'config' | 'hub' | 'console' | 'setupLink' | 'phoneDoor' | 'adminSocket' | 'isEmpty'>

/** What an admin sees first: where things are, what this host can do, what is only a demo, and what to type next. */
export function banner({ config, hub, console, setupLink, phoneDoor, adminSocket, isEmpty }: Shown): string {
  const modes = hub && {
    kernel: `${hub.interface}, WireGuard in the kernel, UDP ${hub.listenPort}`,
    userspace: `${hub.interface}, wireguard-go (this kernel has no WireGuard), UDP ${hub.listenPort}`,
    preview: 'preview: no packet moves on this host, everything else can be tried',
  }
  const tunnels = hub && modes ? modes[hub.mode] : 'the hub does not answer yet; it is asked again and again'
  const pbxs = config.pbxs.map(({ name, driver, address, edge }) => {
    const label = config.pbxs.length > 1 ? `PBX ${name}` : 'PBX'
    const words =
      driver === 'manual'
        ? `manual: each change ${edge ? 'of an account ' : ''}is a step for you to do and tick`
        : `${driver} at ${address ?? 'no address'}`
    return [label, words] as const
  })
  const edges = config.pbxs.flatMap(({ name, edge }) => {
    const pbx = config.pbxs.length > 1 ? `PBX ${name}` : 'the PBX'
    const words = `in front of ${pbx}: client certificates and call classes are enforced there`
    return edge ? [['SIP edge', `${edge.host} at ${edge.address}, ${words}`] as const] : []
  })
  const certificate = { off: 'no TLS, the proxy in front does it', 'service-ca': 'certificate of its own CA' }
  const tls = typeof config.phoneDoor.tls === 'string' ? certificate[config.phoneDoor.tls] : 'your certificate'
  const lines: (readonly [string, string])[] = [
    ['Console', console],
    ['Phone door', `${phoneDoor}  (${tls})`],
    ['Local socket', adminSocket],
    ['Tunnels', tunnels],
    ...pbxs,
    ...edges,
    ['Process', String(process.pid)],
  ]
  const command = `${folderFor(config.dataFolder)}./ringfence`
  const parts = [
    ['Ringfence is running.', '', ...lines.map(([name, value]) => `  ${name.padEnd(13)} ${value}`)],
    hub && hub.problems.length > 0
      ? ['This host lacks:', ...hub.problems.map(({ message, hint }) => `  - ${message}\n    ${hint}`)]
      : [],
    config.demo.length > 0
      ? [
          'DEMO MODE: fine for a look, not for phones that leave this machine.',
          ...config.demo.map((reason) => `  - ${reason}`),
          '  docs/configuration.md goes through the settings.',
        ]
      : [],
    setupLink === null
      ? []
      : [
          'Nobody can sign in to the console yet. Make yourself its owner (this link works once, for 24 hours):',
          `  ${setupLink.reveal()}`,
        ],
    [
      'Next, in another terminal:',
      isEmpty
        ? `  ${command} onboard --name "Ada Byron" --email ada@example.com --extension 1001 --handset linphone-mobile`
        : `  ${command} list`,
      `  ${command} doctor`,
    ],
  ]
  return `\n${parts
    .filter((part) => part.length > 0)
    .map((part) => part.join('\n'))
    .join('\n\n')}\n`
}

/** What the commands need in front so that they find this server; nothing where it is the usual folder. */
function folderFor(dataFolder: string): string {
  if (dataFolder === resolve('data')) return ''
  const quoted = /^[\w@%+=:,./-]+$/.test(dataFolder) ? dataFolder : `'${dataFolder.replaceAll("'", "'\\''")}'`
  return `RINGFENCE_DATA=${quoted} `
}
