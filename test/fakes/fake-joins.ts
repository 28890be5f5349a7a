import { createHash } from 'node:crypto'
import { enrolmentToken } from '../../src/domain/invite.ts'
import { Secret } from '../../src/domain/secret.ts'
import { parsePublicKey } from '../../src/domain/tunnel.ts'
import type { Application, EmployeeView, ModelView } from '../../src/journeys/application.ts'
import type { DoorFile } from '../../src/journeys/door-view.ts'
import type { JoinSignIn, JoinTunnel } from '../../src/journeys/join-view.ts'
import type { FakeApplication } from './fake-application.ts'

type Joins = Pick<Application, 'join' | 'takeBrowserKey' | 'joinStatus' | 'joinTunnel' | 'joinFile'>

interface Invited {
  readonly employeeOf: (token: string) => EmployeeView | undefined
  readonly models: readonly ModelView[]
  /** What a test says that was seen. */
  readonly told: () => Pick<FakeApplication, 'failure' | 'demo' | 'joinExtras' | 'joinSeen' | 'browserKeys'>
}

/** What the pages of an application's invites show, in memory. */
export function fakeJoins({ employeeOf, models, told }: Invited): Joins {
  return {
    async join(token) {
      if (told().failure) throw told().failure
      const view = employeeOf(token)
      if (view?.lifecycle !== 'active') return null
      return {
        name: view.name,
        extension: view.extension,
        expiresAt: '2026-11-29T14:00:00.000Z',
        demo: told().demo,
        pbxHost: 'pbx.example.com',
        pbxAddress: '192.168.10.2',
        handsets: view.handsets.map((handset) => {
          const known = models.find(({ id: modelId }) => modelId === handset.model)!
          const url = `https://phones.example.com:8443/p/${enrolmentToken(token, handset.id)}/`
          const softphone = known.kind === 'softphone'
          return {
            id: handset.id,
            modelId: handset.model,
            modelName: known.name,
            kind: softphone ? 'softphone' : 'desk-phone',
            tunnel: softphone ? fakeTunnel(handset.tunnelId ?? '', told().browserKeys) : null,
            signIn: softphone
              ? {
                  app: 'Linphone',
                  scan: true,
                  words: ['Install Linphone if you do not have it yet, and turn the tunnel on.'],
                  translations: { de: ['Installieren Sie Linphone und schalten Sie den Tunnel ein.'] },
                  stores: storesOf[handset.model] ?? {},
                  files: [],
                }
              : null,
            softphoneUrl: softphone ? `${url}linphone.xml` : null,
            softphoneDeepLink: softphone ? `linphone-config:${url}linphone.xml` : null,
            provisioningUrl: softphone ? null : url,
            typing: null,
            certificateFiles:
              handset.model === 'linphone-desktop'
                ? [
                    { name: 'client.pem', what: 'your certificate' },
                    { name: 'client-key.pem', what: 'its private key' },
                  ]
                : [],
            mac: handset.mac,
            enrolled: handset.enrolledAt !== null,
            emergencyNote: null,
            notes: known.notes,
          }
        }),
        gateways: [],
        ...told().joinExtras,
      }
    },
    async takeBrowserKey(token, tunnelId, publicKey) {
      const view = employeeOf(token)
      if (view?.lifecycle !== 'active' || !view.tunnels.some(({ id: known }) => known === tunnelId)) return null
      if (!parsePublicKey(publicKey).ok) return null
      told().browserKeys.set(tunnelId, publicKey)
      return tunnelText.replace(/^PrivateKey.*\n/m, '')
    },
    async joinStatus(token) {
      const view = employeeOf(token)
      if (view?.lifecycle !== 'active') return null
      const { joinSeen } = told()
      return {
        tunnels: view.tunnels.map(({ id: tunnelId }) => ({ id: tunnelId, state: joinSeen.tunnel })),
        phones: view.handsets.map(({ id: handsetId, tunnelId, enrolledAt }) => ({
          id: handsetId,
          tunnelId,
          fetched: enrolledAt !== null,
          ...joinSeen,
        })),
      }
    },
    async joinTunnel(token, fileName) {
      const view = employeeOf(token)
      return view?.lifecycle === 'active' && fileName === 'office.conf'
        ? doorFile('text/plain; charset=utf-8', tunnelText, null)
        : null
    },
    async joinFile(token, fileName) {
      const view = employeeOf(token)
      return view?.lifecycle === 'active' && fileName === 'client.pem'
        ? doorFile('application/x-pem-file', 'PEM\n', null)
        : null
    },
  }
}

export function doorFile(contentType: string, body: string, ifNoneMatch: string | null): DoorFile {
  const etag = `"${createHash('sha256').update(body).digest('base64url')}"`
  return { contentType, body, etag, notModified: ifNoneMatch === etag }
}

/** Where each app can be. */
const storesOf: Readonly<Record<string, JoinSignIn['stores']>> = {
  'linphone-mobile': { ios: 'https://apps.example.com/ios', android: 'https://apps.example.com/android' },
  'linphone-desktop': {
    macos: 'https://apps.example.com/desktop',
    windows: 'https://apps.example.com/desktop',
    linux: 'https://apps.example.com/desktop',
  },
}

function fakeTunnel(id: string, browserKeys: ReadonlyMap<string, string>): JoinTunnel {
  const told = browserKeys.has(id)
  return {
    id,
    fileName: 'office.conf',
    configuration: told ? null : new Secret(tunnelText),
    keyOrigin: told ? 'browser' : 'server',
    browserMayMakeKey: true,
  }
}

/** About as long as a real one. */
export const tunnelText = `[Interface]
PrivateKey = ${'k'.repeat(43)}=
Address = 10.77.0.12/32
MTU = 1280

[Peer]
PublicKey = ${'p'.repeat(43)}=
PresharedKey = ${'s'.repeat(43)}=
AllowedIPs = 10.77.0.1/32, 192.0.2.10/32
Endpoint = vpn.example.com:51820
PersistentKeepalive = 25
`
