import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Secret } from '../../src/domain/secret.ts'
import { ariSetup } from '../lab/ari-world.ts'
import type { Office } from '../lab/network.ts'
import type { AccountPlace } from '../lab/spine.ts'
import type { BenchRow } from './bench-row.ts'
import { convergenceRow } from './convergence.ts'

// For each AOR that is new Asterisk goes through all endpoints, with a read of its database for each: minutes for 1,000.
const seedMs = 1_200_000

export async function rows(): Promise<readonly BenchRow[]> {
  return [await convergenceRow('over ARI', { place: overAri, seedMs })]
}

function overAri(root: string, { pbxAddress }: Office): AccountPlace {
  const secret = new Secret(randomBytes(18).toString('base64url'))
  writeFileSync(join(root, 'ari-secret'), secret.reveal(), { mode: 0o600 })
  return {
    asterisk: ariSetup(secret, { address: pbxAddress }),
    settings: {
      PBX_ACCOUNTS: 'ari',
      PBX_ARI: `https://${pbxAddress}:8089`,
      PBX_ARI_SECRET_FILE: join(root, 'ari-secret'),
      PBX_MANAGEMENT_CA_FILE: join(root, 'public-ca.pem'),
    },
  }
}
