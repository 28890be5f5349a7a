import { connect, type TLSSocket } from 'node:tls'

/** The TLS connection of a SIP client under test. */
export interface SipConnectionOptions {
  readonly host: string
  readonly port: number
  /** PEM of the authority that must have signed the PBX's certificate, and the name that must stand in it. */
  readonly trusts?: { readonly authority: string; readonly name: string }
  /** Client certificate, PEM. */
  readonly certificate?: { readonly certificate: string; readonly key: string }
  /** Source address. */
  readonly localAddress?: string
  readonly timeoutMs?: number
}

export function openTls(options: SipConnectionOptions): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: options.host,
      port: options.port,
      ...(options.trusts
        ? { ca: options.trusts.authority, servername: options.trusts.name }
        : { rejectUnauthorized: false }),
      ...(options.localAddress ? { localAddress: options.localAddress } : {}),
      ...(options.certificate ? { cert: options.certificate.certificate, key: options.certificate.key } : {}),
    })
    const timer = setTimeout(() => socket.destroy(new Error('no TLS handshake in time')), options.timeoutMs ?? 5000)
    socket.once('secureConnect', () => {
      clearTimeout(timer)
      socket.off('error', reject)
      resolve(socket)
    })
    socket.once('error', (error) => {
      clearTimeout(timer)
      reject(error)
    })
  })
}
