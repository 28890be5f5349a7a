import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { z } from 'zod'
import type { Secret } from '../domain/secret.ts'
import { writeDurably } from '../durable-file.ts'
import type { Vault } from '../vault.ts'
import type { ServerCertificateRequest, ServiceAuthority } from './pki-port.ts'

export interface ServerCertificate {
  /** Leaf, PEM. */
  readonly certificate: string
  readonly privateKey: Secret
  readonly notAfter: string
}

const keptSchema = z.object({
  names: z.array(z.string()),
  issuer: z.string(),
  certificate: z.string(),
  privateKey: z.string(),
  notAfter: z.string(),
})

/** With this many days left a server certificate is made anew. */
const renewDays = 30

/**
 * A server certificate of the Service CA that stays the same over restarts, sealed in `path`; made anew when its names, the
 * authority or time ask for it.
 */
export async function keepServerCertificate(
  { path, vault, authority }: { readonly path: string; readonly vault: Vault; readonly authority: ServiceAuthority },
  request: ServerCertificateRequest,
): Promise<ServerCertificate> {
  const names = [...request.dnsNames, ...request.addresses]
  const context = `server-certificate:${basename(path)}`
  const kept = keptSchema.safeParse(parse(await readFile(path, 'utf8').catch(absent)))
  const stillGood =
    kept.success &&
    kept.data.issuer === authority.certificate &&
    JSON.stringify(kept.data.names) === JSON.stringify(names) &&
    Date.parse(kept.data.notAfter) - request.now.getTime() > renewDays * 86_400_000
  if (stillGood) {
    const { certificate, notAfter, privateKey } = kept.data
    return { certificate, notAfter, privateKey: vault.open(privateKey, context) }
  }
  const { certificate, privateKey, notAfter } = await authority.issueServer(request)
  const content = {
    names,
    issuer: authority.certificate,
    certificate,
    privateKey: vault.seal(privateKey, context),
    notAfter,
  }
  await writeDurably(path, `${JSON.stringify(content)}\n`)
  return { certificate, privateKey, notAfter }
}

function absent(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return ''
  throw error
}

/** A damaged file is as good as none: the certificate can be made again. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
