import { type Namespace, openNetwork, uniqueName } from './network.ts'
import { type ServerProcess, serverProcess } from './server-process.ts'

export interface LoneServer extends AsyncDisposable {
  readonly place: Namespace
  /** Not started yet. */
  readonly server: ServerProcess
  /** Onboards one person with one phone, and answers what the API did. */
  onboardAda(more?: Readonly<Record<string, string>>): Promise<unknown>
}

/** A real server in a namespace of its own: of a network it has its own loopback, and its hub. */
export async function loneServer(label: string, settings: Readonly<Record<string, string>> = {}): Promise<LoneServer> {
  const network = await openNetwork()
  try {
    const place = await network.namespace(label)
    const server = await serverProcess(place, uniqueName(`rf${label[0]}`), {
      LISTEN: '127.0.0.1:8080',
      PHONE_LISTEN: '127.0.0.1:8443',
      ...settings,
    })
    network.defer(async () => server[Symbol.asyncDispose]())
    return {
      place,
      server,
      async onboardAda(more = {}) {
        const { body } = await server.api('POST', '/api/v1/employees', {
          name: 'Ada Byron',
          email: 'ada@example.com',
          extension: '1001',
          handsets: [{ model: 'linphone-mobile' }],
          ...more,
        })
        return body
      },
      [Symbol.asyncDispose]: () => network[Symbol.asyncDispose](),
    }
  } catch (error) {
    await network[Symbol.asyncDispose]()
    throw error
  }
}
