/** The settings of the console's own address and of single sign-on. */
import { isLoopback, withoutBrackets } from './domain/address.ts'
import type { Secret } from './domain/secret.ts'
import { type Role, roles } from './domain/token.ts'
import { formatHostPort, type HostPort, quoted, type SettingName, type SettingReader } from './setting-reader.ts'

export interface OidcSettings {
  readonly issuer: string
  readonly clientId: string
  /** Null: a public client, which PKCE protects alone. */
  readonly clientSecret: Secret | null
  readonly roleClaim: string
  /** In the order of the setting; whoever has several gets the first. */
  readonly roles: readonly { readonly value: string; readonly role: Role }[]
  /** What the button says. */
  readonly name: string
}

/**
 * Where browsers find the console. On loopback the name `localhost`: a passkey belongs to a name, never to an IP address
 * (WebAuthn level 2, section 5.1.3: the effective domain must be a valid domain).
 */
export function consoleUrl({ text, wrong }: SettingReader, at: HostPort, tls: boolean): string {
  const host = isLoopback(at.host) ? 'localhost' : at.host
  const usual = `${tls ? 'https' : 'http'}://${formatHostPort({ host, port: at.port })}`
  const given = text('CONSOLE_URL')
  if (given === null) return usual
  const url = webAddress(given)
  if (url?.pathname === '/') return url.origin
  wrong(
    'CONSOLE_URL',
    `${quoted(given)} is not the address of a console`,
    'such as https://ringfence.example.com, without a path',
  )
  return usual
}

export function readOidc({ text, wrong, secretFile }: SettingReader): OidcSettings | null {
  const issuer = text('OIDC_ISSUER')
  if (issuer === null) {
    const others = ['OIDC_CLIENT_ID', 'OIDC_CLIENT_SECRET_FILE', 'OIDC_ROLE_CLAIM', 'OIDC_ROLES', 'OIDC_NAME'] as const
    for (const name of others)
      if (text(name) !== null) wrong(name, 'is set, but RINGFENCE_OIDC_ISSUER is not', 'set both or neither')
    return null
  }
  if (webAddress(issuer) === null)
    wrong('OIDC_ISSUER', `${quoted(issuer)} is not an issuer`, 'its https:// address, as the provider prints it')
  const clientId = needed('OIDC_CLIENT_ID', 'the name that the provider gave to Ringfence')
  const mapping = needed('OIDC_ROLES', 'such as ringfence-admins=admin,it-help=helpdesk')
  return {
    issuer,
    clientId,
    clientSecret: secretFile('OIDC_CLIENT_SECRET_FILE'),
    roleClaim: text('OIDC_ROLE_CLAIM') ?? 'groups',
    roles: mapping === '' ? [] : readRoles(mapping),
    name: text('OIDC_NAME') ?? 'single sign-on',
  }

  function needed(name: SettingName, hint: string): string {
    return text(name) ?? wrong(name, 'is missing, and RINGFENCE_OIDC_ISSUER is set', hint) ?? ''
  }

  /** By commas only: a group's name may hold spaces. */
  function readRoles(list: string): OidcSettings['roles'] {
    return list.split(',').flatMap((entry) => {
      const [value = '', role = ''] = entry.split('=').map((part) => part.trim())
      const known = roles.find((each) => each === role)
      if (value !== '' && known !== undefined) return [{ value, role: known }]
      wrong('OIDC_ROLES', `${quoted(entry.trim())} is not group=role`, `the roles are ${roles.join(', ')}`)
      return []
    })
  }
}

/** https, or http on this machine; no name and password in it. */
function webAddress(text: string): URL | null {
  const url = URL.parse(text)
  if (url === null || url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') return null
  const host = withoutBrackets(url.hostname)
  const here = host === 'localhost' || isLoopback(host)
  return url.protocol === 'https:' || (url.protocol === 'http:' && here) ? url : null
}
