import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beginAccountBook } from '../../src/pbx/account-book.ts'
import { freepbxDriver } from '../../src/pbx/freepbx/freepbx.ts'
import type { PbxWorld } from '../contracts/pbx-hand.ts'
import type { LoadedEndpoint } from '../fakes/fake-asterisk-ami.ts'
import { startFakeFreepbx } from '../fakes/fake-freepbx.ts'
import { freepbxOptions, pagesBut } from '../fakes/freepbx-world.ts'
import { bookBut } from '../pbx/booked-bench.ts'
import { startAsterisk } from './asterisk.ts'
import { asteriskBut } from './asterisk-whole.ts'
import { outboundEndpoint, worldOn } from './asterisk-world.ts'

/** The pages are a fake; what they write is taken over by a real Asterisk, and phones are real TLS connections to it. */
export async function freepbxOnAsteriskWorld(): Promise<PbxWorld> {
  const lab = await startAsterisk({ pjsip: outboundEndpoint })
  const fake = await startFakeFreepbx({
    applied(endpoints) {
      writeFileSync(join(lab.configDir, '20-freepbx.conf'), [...endpoints].map(sectionsOf).join(''))
      lab.cli('module reload res_pjsip.so')
    },
  })
  const folder = await mkdtemp(join(tmpdir(), 'ringfence-freepbx-'))
  await beginAccountBook(join(folder, 'accounts.json'))
  const driver = freepbxDriver({ ...freepbxOptions(fake, folder), manager: { ...lab.ami, timeoutMs: 10_000 } })
  const world = worldOn(lab, {
    driver,
    addForeign: async (extension) => fake.addByHand(extension),
    look: (extension) =>
      [
        JSON.stringify(fake.database.get(extension)),
        lab.cli(`pjsip show endpoint ${extension}`),
        lab.cli(`pjsip show auth ${extension}-auth`),
      ].join('\n'),
    allBut: (extensions) => ({
      ...asteriskBut(lab, extensions),
      // The fake writes them anew each time, from its pages.
      files: undefined,
      pages: pagesBut(fake, extensions),
      book: bookBut(join(folder, 'accounts.json'), extensions),
    }),
    shownName: (extension) => String(fake.database.get(extension)?.user.name),
    async stopped() {
      await fake.stop()
      await rm(folder, { recursive: true })
    },
  })
  return {
    ...world,
    parts: { FreePBX: 'fake', Asterisk: 'real' },
    async goDown() {
      await fake.door.shut()
      await world.goDown()
    },
    async comeBack() {
      await fake.door.open()
      await world.comeBack()
    },
  }
}

/**
 * As FreePBX writes them (FreePBX/core, functions.inc/drivers/PJSip.class.php, generateEndpoint), but for one line:
 * encrypted media is off there until an admin switches it on, and phones that insist on it get 488.
 */
function sectionsOf([name, { username, password, settings }]: [string, LoadedEndpoint]): string {
  return `
[${name}]
type=endpoint
aors=${name}
auth=${name}-auth
allow=alaw
context=${settings.Context}
callerid=device <${name}>
rtp_symmetric=yes
rewrite_contact=yes
force_rport=yes
media_encryption=sdes
[${name}-auth]
type=auth
auth_type=userpass
password=${password}
username=${username}
[${name}]
type=aor
max_contacts=${settings['Aor MaxContacts']}
remove_existing=yes
`
}
