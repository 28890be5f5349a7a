import { AppError } from '../errors.ts'
import { shortLine } from './short-line.ts'

export interface Asked {
  /** Who is asked: `the manager interface of the PBX at 192.0.2.10:5038`. */
  readonly name: string
  /** Where nobody answers. */
  readonly hint: string
  /** Where a certificate does not fit; default: the file of a private authority. */
  readonly certificateHint?: string | undefined
}

/** OpenSSL's and Node's names for a certificate that is not trusted or is another's. */
const distrust = /CERT|SELF_SIGNED|ISSUER|ALTNAME|SIGNATURE|UNABLE_TO|ERR_TLS/

/** OpenSSL's words for an answer that is no TLS: its code is EPROTO, or names them. */
const plainAnswer = /wrong.version.number|packet.length.too.long|http.request|record.layer.failure/i

/** Why no connection came about, as far as the error of Node tells it. Another try may help. */
export function notReached({ name, hint, certificateHint }: Asked, cause: NodeJS.ErrnoException): AppError {
  const code = cause.code ?? cause.message
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return unreached(`${name} is not reachable: the name does not resolve here (${code})`, hint, cause)
  if (plainAnswer.test(`${code} ${cause.message}`))
    return unreached(
      `${name} answers, but without TLS (${code})`,
      'name the port on which TLS is spoken, or switch TLS on there',
      cause,
    )
  if (!distrust.test(code)) return unreached(`${name} is not reachable (${code})`, hint, cause)
  const names = code === 'ERR_TLS_CERT_ALTNAME_INVALID' ? namesOf(cause) : null
  if (names !== null)
    return unreached(
      `${name} shows a certificate for other names: ${names}`,
      certificateHint ??
        'name it in the settings by one of these, or give it a certificate for the name that the settings have',
      cause,
    )
  return unreached(
    `${name} shows a certificate that is not trusted (${code})`,
    certificateHint ??
      'if it comes from an authority of your own, name its file in RINGFENCE_PBX_MANAGEMENT_CA_FILE (docs/pbx.md tells how to get it). Else see who answers there',
    cause,
  )
}

/** As Node has them of the certificate: `DNS:pbx.example.com, IP Address:192.0.2.10`. */
function namesOf(
  cause: NodeJS.ErrnoException & { readonly cert?: { readonly subjectaltname?: unknown } },
): string | null {
  const names = cause.cert?.subjectaltname
  return typeof names === 'string' && names !== '' ? shortLine(names) : null
}

export function unreached(message: string, hint: string, cause?: unknown): AppError {
  return new AppError('PBX_UNREACHABLE', message, { hint, retryable: true, cause })
}
