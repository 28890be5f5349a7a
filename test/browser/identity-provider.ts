import { createServer } from 'node:http'
import Provider from 'oidc-provider'

export interface IdentityProvider extends AsyncDisposable {
  readonly issuer: string
}

interface Client {
  readonly id: string
  readonly secret: string
  readonly redirectUri: string
}

/** A real, certified provider on loopback. Whoever types a name is that person; the groups come from this map. */
export async function startIdentityProvider(
  port: number,
  client: Client,
  groups: Readonly<Record<string, readonly string[]>>,
): Promise<IdentityProvider> {
  const issuer = `http://localhost:${port}`
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: client.id,
        client_secret: client.secret,
        redirect_uris: [client.redirectUri],
        token_endpoint_auth_method: 'client_secret_post',
      },
    ],
    claims: { openid: ['sub', 'groups'], email: ['email', 'email_verified'], profile: ['name'] },
    findAccount: (_context: unknown, id: string) => ({
      accountId: id,
      claims: () => ({ sub: id, email: `${id}@example.com`, email_verified: true, name: id, groups: groups[id] ?? [] }),
    }),
    pkce: { required: () => true },
    cookies: { keys: ['a key of this test'] },
  })
  const server = createServer(provider.callback())
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return {
    issuer,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
