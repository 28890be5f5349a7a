import type { Secret } from '../../domain/secret.ts'
import { type AskedKamailio, type KamailioRpc, kamailioRpc } from '../kamailio/kamailio-rpc.ts'

export interface EdgeRpcOptions {
  readonly address: string
  readonly port: number
  /** PEM of the Service CA, which signed the certificate shown there. */
  readonly authority: string
  readonly key: Secret
}

const hint =
  'is Kamailio running there, with the configuration of `ringfence edge` and the certificate of this Ringfence?'

const edge: AskedKamailio = {
  name: 'the edge',
  script: 'the configuration of `ringfence edge`',
  setting: 'RINGFENCE_EDGE_RPC',
  hint,
  certificateHint: hint,
  connections: 1,
}

export function edgeRpc({ address, port, authority, key }: EdgeRpcOptions): KamailioRpc {
  return kamailioRpc({ host: address, port, secret: key, tls: { ca: authority } }, edge)
}
