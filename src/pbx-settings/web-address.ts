import { isLoopback, withoutBrackets } from '../domain/address.ts'
import { isHost, quoted, type SettingName, type SettingReader } from '../setting-reader.ts'

/**
 * The origin of a PBX's web server: `https`, a host, perhaps a port, and nothing else; null where it is wrong.
 * @param plain where `http` will do: nowhere, or on this machine
 */
export function readWebAddress(
  { wrong }: SettingReader,
  name: SettingName,
  { given, plain, example }: { readonly given: string; readonly plain: 'nowhere' | 'here'; readonly example: string },
): string | null {
  // Not repeated: it may be a password.
  if (given.includes('@')) return wrong(name, 'holds a name or a password', 'they have settings of their own')
  const url = /^https?:\/\//i.test(given) ? URL.parse(given) : null
  const hint = `such as ${example}`
  const host = withoutBrackets(url?.hostname ?? '')
  if (url === null || !isHost(host)) return wrong(name, `${quoted(given)} is no address of a web server`, hint)
  if (url.protocol === 'http:' && (plain === 'nowhere' || !isLoopback(host)))
    return wrong(name, `${quoted(given)} needs https: it would be spoken to without TLS`, hint)
  if (url.port === '0') return wrong(name, `${quoted(given)} has port 0, which nothing listens on`, hint)
  if (url.pathname !== '/' || /[?#\\]/.test(given))
    return wrong(name, `${quoted(given)} has a path`, `${hint}, without a path`)
  return url.origin
}
