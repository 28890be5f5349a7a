import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { accountsFile } from '../../src/pbx/asterisk/asterisk-config.ts'
import type { PbxWorld } from '../contracts/pbx-hand.ts'
import { germany } from '../fixtures/dialled-numbers.ts'
import { type AsteriskLab, fileDriver, startAsterisk } from './asterisk.ts'
import { asteriskBut, shownOn } from './asterisk-whole.ts'
import { connectSipPhone, type SipPhone } from './sip-client.ts'

/** The contract's surroundings on a real Asterisk: phones are real TLS connections to it. */
export async function asteriskWorld(): Promise<PbxWorld & { readonly lab: AsteriskLab }> {
  const lab = await startAsterisk({ pjsip: outboundEndpoint, dialPlan: germany })
  return worldOn(lab, {
    driver: fileDriver(lab.driverOptions),
    async addForeign(extension) {
      appendFileSync(join(lab.etcDir, 'pjsip.conf'), foreignEndpoint(extension))
      lab.cli('module reload res_pjsip.so')
    },
    look: (extension) => lookAt(lab, extension),
  })
}

/** What differs with the place where the accounts are kept. */
interface Place
  extends Pick<PbxWorld, 'driver' | 'addForeign' | 'look'>,
    Partial<Pick<PbxWorld, 'allBut' | 'shownName'>> {
  /** Called once the Asterisk has ended. */
  readonly stopped?: () => Promise<void>
}

export function worldOn(lab: AsteriskLab, place: Place): PbxWorld & { readonly lab: AsteriskLab } {
  const phones: SipPhone[] = []
  const hangUpPhones = async () => {
    await Promise.all(phones.splice(0).map((phone) => phone.close()))
  }
  return {
    lab,
    allBut: (extensions) => asteriskBut(lab, extensions),
    shownName: (extension) => shownOn(lab, extension),
    parts: { Asterisk: 'real' },
    ...place,
    addLeftover: async (extension) => void lab.cli(`database put CFB ${extension} 01715550100`),
    async phone({ extension, username, secret, address }) {
      const connection = () =>
        connectSipPhone({
          host: lab.address,
          port: lab.port,
          extension,
          username,
          secret,
          ...(address ? { localAddress: address } : {}),
        }).then((phone) => {
          phones.push(phone)
          return phone
        })
      const phone = await connection()
      return {
        register: async () => (await phone.register()).status,
        call: async () => (await phone.call('600')).status,
        events: () => phone.events,
      }
    },
    async goDown() {
      await hangUpPhones()
      await lab.halt()
    },
    comeBack: () => lab.start(),
    async stop() {
      await hangUpPhones()
      await lab.stop()
      await place.stopped?.()
    },
  }
}

/** As docs/asterisk.md has it: the identity with which Asterisk tells one phone of several. */
export const outboundEndpoint = `
[default_outbound_endpoint]
type=endpoint
context=no-calls
identify_by=ip
disallow=all
allow=alaw
`

/** What an admin wrote by hand, long before Ringfence. */
export function foreignEndpoint(extension: string): string {
  return `
[${extension}]
type=endpoint
context=from-internal
auth=${extension}
aors=${extension}
disallow=all
allow=alaw
[${extension}]
type=aor
max_contacts=1
[${extension}]
type=auth
auth_type=digest
username=${extension}
password=by-hand-${extension}
`
}

/** Everything Asterisk says about one extension, and the bytes of its block in our file. */
export function lookAt(lab: AsteriskLab, extension: string): string {
  const file = join(lab.configDir, accountsFile)
  const blocks = existsSync(file) ? readFileSync(file, 'utf8').split(/^; extension /m) : []
  return [
    lab.cli(`pjsip show endpoint ${extension}`),
    lab.cli(`pjsip show aor ${extension}`),
    blocks.find((block) => block.startsWith(`${extension}\n`)) ?? 'no block',
  ].join('\n')
}
