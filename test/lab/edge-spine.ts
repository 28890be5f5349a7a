/** The spine with an edge in front of its PBX, set up as docs/edge.md says: the address, the configuration, the program. */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type KamailioLab, kamailioLab } from './kamailio.ts'
import { edgeAddress, names, openSpine, type Spine } from './spine.ts'
import { issueTestCertificate } from './test-certificates.ts'

const run = promisify(execFile)
const command = join(import.meta.dirname, '../../src/cli.ts')
const secret = 'a secret of the edge for a test'
/** What Ringfence makes of it (main/edge.ts). */
const rpcKey = createHash('sha256').update(`ringfence edge: ${secret}`).digest('hex')

export interface EdgeSpine extends AsyncDisposable {
  readonly spine: Spine
  readonly kamailio: KamailioLab
  /** `RINGFENCE_EDGE_DIR`. */
  readonly folder: string
  /** What `ringfence edge` printed. */
  readonly written: readonly string[]
  /** What the running edge answers, as text. */
  ask(method: string, params: readonly (string | number)[]): Promise<string>
}

/** @param options as the spine's; with `accounts` the PBX is one that Ringfence does not drive */
export async function openEdgeSpine(options: Parameters<typeof openSpine>[1] = {}): Promise<EdgeSpine> {
  const root = mkdtempSync(join(tmpdir(), `rf-edge-spine-${process.pid}-`))
  const edge = {
    EDGE_ADDRESS: edgeAddress,
    EDGE_HOST: names.edge,
    EDGE_RPC: `${edgeAddress}:5064`,
    EDGE_RPC_SECRET_FILE: join(root, 'key'),
    EDGE_DIR: join(root, 'state'),
    EDGE_TLS_CERT: join(root, 'edge.crt'),
    EDGE_TLS_KEY: join(root, 'edge.key'),
  }
  writeFileSync(edge.EDGE_RPC_SECRET_FILE, secret, { mode: 0o600 })
  let [spine, kamailio]: [Spine?, KamailioLab?] = []
  const dispose = async () => {
    await kamailio?.stop()
    await spine?.[Symbol.asyncDispose]()
    rmSync(root, { recursive: true, force: true })
  }
  try {
    spine = await openSpine(edge, options)
    const { office, asterisk } = spine
    const shown = issueTestCertificate(asterisk.serverAuthority, names.edge, [names.edge, edgeAddress])
    writeFileSync(edge.EDGE_TLS_CERT, shown.certificate)
    writeFileSync(edge.EDGE_TLS_KEY, shown.key, { mode: 0o600 })
    const cable = / dev (\S+)/.exec(await office.pbx.run('ip', 'route', 'show', 'proto', 'kernel'))![1]!
    await office.pbx.run('ip', 'addr', 'add', `${edgeAddress}/24`, 'dev', cable)
    kamailio = kamailioLab({ address: edgeAddress, ports: [5061, 5062, 5063, 5064], namespace: office.pbx.name })
    const driven = {
      PBX: 'asterisk',
      PBX_CONFIG_DIR: asterisk.configDir,
      PBX_AMI_SECRET_FILE: edge.EDGE_RPC_SECRET_FILE,
    }
    const settings = {
      ...edge,
      ...(options.accounts ? {} : driven),
      PBX_ADDRESS: office.pbxAddress,
      PBX_PORT: String(asterisk.port),
    }
    const { stdout } = await run(process.execPath, [command, 'edge', '--out', kamailio.folder], {
      env: {
        PATH: process.env.PATH,
        ...Object.fromEntries(Object.entries(settings).map(([name, value]) => [`RINGFENCE_${name}`, value])),
      },
    })
    const refusal = kamailio.refusal()
    if (refusal !== null) throw new Error(`kamailio -c: ${refusal}`)
    await kamailio.start()
    return {
      spine,
      kamailio,
      folder: edge.EDGE_DIR,
      written: stdout.trim().split('\n'),
      ask: (method, params) =>
        office.pbx.run(
          ...(['curl', '-sk', `https://${edgeAddress}:5064/ringfence/rpc`] as const),
          ...['-H', `Authorization: Bearer ${rpcKey}`],
          ...['-d', JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })],
        ),
      [Symbol.asyncDispose]: dispose,
    }
  } catch (error) {
    await dispose()
    throw error
  }
}
