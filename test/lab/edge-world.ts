/** Asterisk, the edge in front of it, and phones with certificates, each at an address of its own on loopback. */

import type { Finding } from '../../src/access/access-system.ts'
import type { CertificateSubject } from '../../src/domain/access.ts'
import { edgeAccess } from '../../src/pbx/edge/edge-access.ts'
import type { PbxAccount, PbxDriver } from '../../src/pbx/pbx-driver.ts'
import type { IssuedCertificate } from '../../src/pki/pki-port.ts'
import { makeAccount } from '../contracts/pbx-accounts.ts'
import { type AsteriskLab, fileDriver, startAsterisk } from './asterisk.ts'
import { type EdgeLab, type EdgeLabOptions, startEdge } from './edge.ts'
import { connectSipPhone, type SipPhone, type SipPhoneOptions } from './sip-client.ts'

/** Conversations: whoever is called by number rings; 600 answers and echoes. */
const conversations = `[from-internal]
exten => 600,1,Answer()
 same => n,Echo()
exten => _XXXX,1,Dial(PJSIP/\${EXTEN},20)
`

export interface EdgeHandset {
  readonly extension: string
  readonly address: string
  readonly account: PbxAccount
  readonly issued: IssuedCertificate
  connect(extra?: Partial<SipPhoneOptions>): Promise<SipPhone>
  /** The status of a REGISTER over a connection of its own, or in words why there was no answer. */
  attempt(extra?: Partial<SipPhoneOptions>): Promise<number | string>
}

export interface EdgeWorld {
  readonly asterisk: AsteriskLab
  readonly edge: EdgeLab
  readonly driver: PbxDriver
  account(extension: string): Promise<PbxAccount>
  phone(account: PbxAccount, extra?: Partial<SipPhoneOptions>): Promise<SipPhone>
  /** With account, certificate and binding. */
  handset(extension: string, address: string): Promise<EdgeHandset>
  /** Many at once, by extension and address: one change of the PBX, one of the edge. */
  handsets(places: readonly (readonly [string, string])[]): Promise<readonly EdgeHandset[]>
  subject(handset: EdgeHandset, wanted: 'open' | 'closed'): CertificateSubject
  judge(handset: EdgeHandset, wanted: 'open' | 'closed'): Promise<Finding>
  stop(): Promise<void>
}

const address = '127.0.0.3'
export const limit = () => AbortSignal.timeout(20_000)

export async function edgeWorld({
  dialplan = conversations,
  isChecked = true,
  ...options
}: { readonly dialplan?: string; readonly isChecked?: boolean } & Pick<
  EdgeLabOptions,
  'memoryMb'
> = {}): Promise<EdgeWorld> {
  const asterisk = await startAsterisk({ dialplan })
  const edge = await startEdge({
    ...options,
    address,
    host: 'edge.test',
    pbx: {
      address: asterisk.address,
      port: asterisk.port,
      authority: isChecked ? asterisk.serverAuthority.certificate : null,
    },
  }).catch(async (error: unknown) => {
    await asterisk.stop()
    throw error
  })
  const phones: SipPhone[] = []
  const driver = fileDriver({ ...asterisk.driverOptions, edge: address })
  const system = edgeAccess(edge.keeper)

  async function accounts(extensions: readonly string[]): Promise<readonly PbxAccount[]> {
    const made = extensions.map((extension) => makeAccount(extension))
    await driver.applyAccounts(made, limit())
    return made
  }

  async function phone(
    { extension, credentials }: PbxAccount,
    extra: Partial<SipPhoneOptions> = {},
  ): Promise<SipPhone> {
    const { username, secret } = credentials[0]!
    const made = await connectSipPhone({
      host: address,
      port: edge.options.mtlsPort,
      extension,
      username,
      secret: secret.reveal(),
      trusts: { authority: edge.authorities.service.certificate, name: 'edge.test' },
      ...extra,
    })
    phones.push(made)
    return made
  }

  async function handsets(places: readonly (readonly [string, string])[]): Promise<readonly EdgeHandset[]> {
    const made = await accounts(places.map(([extension]) => extension))
    const owners: EdgeHandset[] = []
    for (const [index, [extension, from]] of places.entries()) {
      const issued = await edge.issue(extension)
      edge.wanted.bind(issued, extension, [`${from}/32`])
      owners.push(handsetOf(made[index]!, from, issued))
    }
    await edge.publish()
    return owners
  }

  function handsetOf(own: PbxAccount, from: string, issued: IssuedCertificate): EdgeHandset {
    const certificate = { certificate: issued.certificate, key: issued.privateKey.reveal() }
    const connect: EdgeHandset['connect'] = (extra) => phone(own, { localAddress: from, certificate, ...extra })
    return {
      extension: own.extension,
      address: from,
      account: own,
      issued,
      connect,
      // TLS 1.3 tells a client only at its first request that it is refused.
      attempt: (extra) =>
        connect({ timeoutMs: 3_000, ...extra })
          .then((sip) => sip.register())
          .then(({ status }) => status)
          .catch((error: unknown) => String(error)),
    }
  }

  const subject: EdgeWorld['subject'] = ({ issued, extension, address: from }, wanted) => ({
    kind: 'certificate',
    pbxId: 'default',
    id: issued.serial,
    employeeId: null,
    wanted,
    generation: wanted === 'open' ? 1 : 2,
    serial: issued.serial,
    notAfter: issued.notAfter,
    revokedAt: null,
    ...(wanted === 'open' ? { holder: { extension, addresses: [`${from}/32`] } } : {}),
  })

  return {
    asterisk,
    edge,
    driver,
    account: async (extension) => (await accounts([extension]))[0]!,
    phone,
    handset: async (extension, from) => (await handsets([[extension, from]]))[0]!,
    handsets,
    subject,
    judge: async (handset, wanted) => system.judge(subject(handset, wanted), await system.read(limit())),
    async stop() {
      await Promise.all(phones.map((each) => each.close()))
      await edge.stop()
      await asterisk.stop()
    },
  }
}
