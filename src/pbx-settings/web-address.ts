import { isHost, quoted, type SettingName, type SettingReader } from '../setting-reader.ts'

/** Says what is wrong with the address of a PBX's web server: `https`, a host, perhaps a port, and nothing else. */
export function checkWebAddress(
  { wrong }: SettingReader,
  name: SettingName,
  { given, plain, example }: { readonly given: string; readonly plain: boolean; readonly example: string },
): void {
  const url = /^https?:\/\//i.test(given) ? URL.parse(given) : null
  const hint = `such as ${example}`
  if (url === null || !isHost(url.hostname.replace(/^\[|\]$/g, '')))
    wrong(name, `${quoted(given)} is no address of a web server`, hint)
  // Not repeated: it may be a password.
  else if (url.username !== '' || url.password !== '')
    wrong(name, 'holds a name or a password', 'they have settings of their own')
  else if (url.protocol === 'http:' && !plain)
    wrong(name, `${quoted(given)} needs https: it would be spoken to without TLS`, hint)
  else if (url.port === '0') wrong(name, `${quoted(given)} has port 0, which nothing listens on`, hint)
  else if (url.pathname !== '/' || /[?#\\]/.test(given))
    wrong(name, `${quoted(given)} has a path`, `${hint}, without a path`)
}
