import { randomBytes } from 'node:crypto'
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { Secret } from '../../src/domain/secret.ts'
import { type AriAddress, sorceryLines } from '../../src/pbx/asterisk/ari-objects.ts'
import { asteriskDriver } from '../../src/pbx/asterisk/asterisk.ts'
import { ariWriter } from '../../src/pbx/asterisk/asterisk-ari.ts'
import { folderOf } from '../../src/pbx/asterisk/asterisk-options.ts'
import type { PbxWorld } from '../contracts/pbx-hand.ts'
import { germany } from '../fixtures/dialled-numbers.ts'
import { type AsteriskLab, type AsteriskLabOptions, startAsterisk } from './asterisk.ts'
import { foreignEndpoint, outboundEndpoint, worldOn } from './asterisk-world.ts'

export interface AriWorld extends PbxWorld {
  readonly lab: AsteriskLab
  /** Over TLS; `plain` is the same on loopback without. */
  readonly ari: AriAddress
  readonly plain: AriAddress
}

/** What an Asterisk has to have for it, as docs/asterisk.md sets it up. */
export function ariSetup(
  secret: Secret,
  { address = '127.0.0.1', sorcery = sorceryLines, readOnly = false, trigger = 'pjsip_only' } = {},
): Required<Pick<AsteriskLabOptions, 'modules' | 'files' | 'pjsip'>> {
  return {
    pjsip: `[global](+)\ntaskprocessor_overload_trigger=${trigger}\n`,
    modules: ['res_websocket_client.so', 'res_stasis.so', 'res_ari.so', 'res_ari_model.so', 'res_ari_asterisk.so'],
    files: ({ inner, http, https }) => ({
      'sorcery.conf': `[res_pjsip]\n${sorcery}\n`,
      'websocket_client.conf': '',
      'http.conf': `[general]
enabled = yes
bindaddr = 127.0.0.1
bindport = ${http}
tlsenable = yes
tlsbindaddr = ${address}:${https}
tlscertfile = ${inner}/keys/server.pem
tlsprivatekey = ${inner}/keys/server.key
`,
      'ari.conf': `[general]\nenabled = yes\n[ringfence]\ntype = user\nread_only = ${readOnly ? 'yes' : 'no'}\npassword = ${secret.reveal()}\n`,
    }),
  }
}

/** A real Asterisk whose accounts are made over ARI. */
export async function ariWorld(options: Parameters<typeof ariSetup>[1] = {}): Promise<AriWorld> {
  const secret = new Secret(randomBytes(18).toString('base64url'))
  const setup = ariSetup(secret, options)
  const lab = await startAsterisk({ dialPlan: germany, ...setup, pjsip: outboundEndpoint + setup.pjsip })
  const user = { username: 'ringfence', secret }
  const ari = { ...user, origin: `https://127.0.0.1:${lab.httpsPort}`, ca: lab.serverAuthority.certificate }
  return {
    ...worldOn(lab, {
      driver: asteriskDriver(lab.driverOptions, ariWriter(ari, folderOf(lab.driverOptions))),
      async addForeign(extension) {
        appendFileSync(join(lab.etcDir, 'pjsip.conf'), foreignEndpoint(extension))
        lab.cli('module reload res_pjsip.so')
      },
      look: (extension) =>
        [
          lab.cli(`pjsip show endpoint ${extension}`),
          lab.cli(`pjsip show aor ${extension}`),
          lab
            .cli('database show ringfence')
            .split('\n')
            .filter((line) => line.includes(`/${extension}`))
            .join('\n'),
        ].join('\n'),
    }),
    ari,
    plain: { ...user, origin: `http://127.0.0.1:${lab.httpPort}` },
  }
}
