/** FreeSWITCH as far as it asks its directory: one question after the other, each on a connection of its own. A process of its own, so that its work is not counted. */
import { askDirectory } from '../fakes/fake-xml-curl.ts'

export interface Asking {
  readonly port: number
  readonly credentials: string
  readonly realm: string
  readonly users: readonly string[]
}

process.once('message', ({ port, credentials, realm, users }: Asking) => {
  void ask({ port, credentials, realm, users }).then((tookMs) => {
    process.send!(tookMs)
    process.disconnect()
  })
})

async function ask({ port, credentials, realm, users }: Asking): Promise<number[]> {
  const tookMs: number[] = []
  for (const user of users) {
    const from = performance.now()
    const found = await askDirectory({ port, credentials }, question(realm, user))
    tookMs.push(performance.now() - from)
    if (!found?.params['a1-hash']) throw new Error(`no answer for ${user}`)
  }
  return tookMs
}

/** With the fields that mod_xml_curl adds to a login's. */
function question(realm: string, user: string): Record<string, string> {
  return {
    hostname: 'bench',
    section: 'directory',
    tag_name: 'domain',
    key_name: 'name',
    key_value: realm,
    key: 'id',
    user,
    domain: realm,
    action: 'sip_auth',
    sip_profile: 'internal',
    sip_auth_username: user,
    sip_auth_realm: realm,
    sip_auth_method: 'REGISTER',
    sip_to_user: user.slice(0, user.indexOf('-')),
    sip_to_host: realm,
    sip_from_user: user.slice(0, user.indexOf('-')),
    sip_from_host: realm,
    ip: '127.0.0.1',
  }
}
