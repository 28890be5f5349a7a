/** A data folder as it looks after years: so many people with a phone each, written without the detour over the deeds. */
import { createHash, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { formatAddress, parsePrefix } from '../../src/domain/address.ts'
import { neverSeen } from '../../src/domain/handset.ts'
import { steadyToken, tokenHash } from '../../src/domain/invite.ts'
import { Secret } from '../../src/domain/secret.ts'
import { defaultId } from '../../src/domain/site.ts'
import { openStore } from '../../src/store/open-store.ts'
import type { Rows, Store, StoreWriter, Table } from '../../src/store/store.ts'
import { newId, realSystem } from '../../src/system.ts'
import type { Vault } from '../../src/vault.ts'

const batch = 500
const at = '2026-01-05T08:00:00.000Z'

export interface Fleet {
  readonly employeeIds: readonly string[]
  readonly publicKeys: readonly string[]
}

/** What somebody of the fleet has in hand. */
export interface FleetHandset {
  readonly model: string
  readonly mac: string | null
  readonly certificate: { readonly certificate: string; readonly privateKey: Secret } | null
}

const app: FleetHandset = { model: 'linphone-mobile', mac: null, certificate: null }

/** Extensions 200000 and up; addresses from the top of 10.77.0.0/17, so that what comes later gets others. */
export async function seedFleet(
  store: Store,
  vault: Vault,
  size: number,
  handsetOf: (index: number) => FleetHandset = () => app,
): Promise<Fleet> {
  const base = parsePrefix('10.77.128.0/17')!.base
  const employeeIds: string[] = []
  const publicKeys: string[] = []
  for (let from = 0; from < size; from += batch) {
    const indexes = Array.from({ length: Math.min(batch, size - from) }, (_, index) => from + index)
    const rows = indexes.map((index) => person(vault, base, index, handsetOf(index)))
    await store.transaction(async (tx) => {
      for (const table of ['employee', 'assignment', 'handset', 'tunnel', 'tunnelAddress', 'sipCredential'] as const) {
        await insertAll(
          tx,
          table,
          rows.map((row) => row[table]),
        )
      }
      await insertAll(
        tx,
        'certificate',
        rows.flatMap((row) => row.certificate),
      )
    })
    employeeIds.push(...rows.map((row) => row.employee.id))
    publicKeys.push(...rows.map((row) => row.tunnel.publicKey!))
  }
  return { employeeIds, publicKeys }
}

/** The same into a folder that no server has opened yet: site, PBX and hub rows are put there too. */
export async function seedFolder(folder: string, vault: Vault, size: number): Promise<Fleet> {
  const store = await openStore({ sqlite: join(folder, 'ringfence.db') })
  try {
    await store.transaction(async (tx) => {
      await tx.put('site', [{ id: defaultId, name: 'Main site' }])
      await tx.put('pbx', [
        {
          id: defaultId,
          siteId: defaultId,
          name: 'PBX',
          driver: 'manual',
          address: null,
          host: null,
          port: 5061,
          mtlsPort: 5062,
          rtpFrom: 10_000,
          rtpTo: 20_000,
          realm: 'asterisk',
        },
      ])
      await tx.put('hub', [
        {
          id: defaultId,
          siteId: defaultId,
          name: 'Hub',
          interface: 'ringfence0',
          endpoint: null,
          listenPort: 51_820,
          subnets: '10.77.0.0/16',
          phoneSubnets: '10.78.0.0/16',
          publicKey: null,
        },
      ])
    })
    return await seedFleet(store, vault, size)
  } finally {
    await store.close()
  }
}

function insertAll<T extends Table>(tx: StoreWriter, table: T, rows: readonly Rows[T][]): Promise<void> {
  return tx.insert(table, rows)
}

function person(
  vault: Vault,
  base: bigint,
  index: number,
  { model, mac, certificate }: FleetHandset,
): {
  readonly [T in 'employee' | 'assignment' | 'handset' | 'tunnel' | 'tunnelAddress' | 'sipCredential']: Rows[T]
} & { readonly certificate: readonly Rows['certificate'][] } {
  const id = () => newId(realSystem)
  const [employeeId, assignmentId, handsetId, tunnelId] = [id(), id(), id(), id()]
  const [credentialId, certificateId] = [id(), id()]
  const extension = String(200_000 + index)
  return {
    employee: {
      id: employeeId,
      siteId: defaultId,
      name: `Person ${index}`,
      email: `person${index}@example.com`,
      lifecycle: 'active',
      generation: 1,
      createdAt: at,
      offboardRequestedAt: null,
      offboardRequestedBy: null,
      offboardReason: null,
      offboardedAt: null,
      leaverFile: null,
    },
    assignment: {
      id: assignmentId,
      employeeId,
      pbxId: defaultId,
      extension,
      fromAt: at,
      untilAt: null,
      adoptedAt: null,
      callPolicy: null,
      generation: 1,
    },
    handset: {
      id: handsetId,
      employeeId,
      assignmentId,
      gatewayId: null,
      model,
      mac,
      doorGeneration: 1,
      enrolTokenHash: createHash('sha256').update(`enrol ${handsetId}`).digest('hex'),
      enrolExpiresAt: at,
      formerTokenHash: null,
      steadyTokenHash: tokenHash(steadyToken(vault.deriveKey('phone-door'), handsetId, 1)),
      enrolledAt: at,
      phoneAddress: null,
      ...neverSeen,
      createdAt: at,
      removedAt: null,
    },
    tunnel: {
      id: tunnelId,
      hubId: defaultId,
      carrierKind: 'handset',
      carrierId: handsetId,
      keyOrigin: 'server',
      publicKey: randomBytes(32).toString('base64'),
      nextPublicKey: null,
      privateKeySealed: null,
      keyWindowEndsAt: null,
      presharedKeySealed: vault.seal(new Secret(randomBytes(32).toString('base64')), `tunnel:${tunnelId}:psk`),
      generation: 1,
      firstHandshakeAt: at,
      lastHandshakeAt: at,
      createdAt: at,
      closedAt: null,
    },
    tunnelAddress: {
      id: id(),
      tunnelId,
      hubId: defaultId,
      prefix: `${formatAddress(4, base + BigInt(index))}/32`,
      purpose: 'carrier',
      allottedAt: at,
      releasedAt: null,
    },
    sipCredential: {
      id: credentialId,
      assignmentId,
      handsetId: null,
      username: extension,
      secretSealed: vault.seal(new Secret(randomBytes(24).toString('base64url')), `sip:${credentialId}:1`),
      generation: 1,
      createdAt: at,
      closedAt: null,
    },
    certificate: certificate
      ? [
          {
            id: certificateId,
            handsetId,
            serial: index.toString(16).padStart(32, '0'),
            notBefore: at,
            notAfter: '2036-01-05T08:00:00.000Z',
            certificate: certificate.certificate,
            privateKeySealed: vault.seal(certificate.privateKey, `certificate:${certificateId}`),
            createdAt: at,
            revokedAt: null,
          },
        ]
      : [],
  }
}
