import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { reconcile } from '../../src/access/reconcile.ts'
import type { SipCredentialSubject } from '../../src/domain/access.ts'
import { accountsFile } from '../../src/pbx/asterisk/asterisk-config.ts'
import type { PbxAccount } from '../../src/pbx/pbx-driver.ts'
import { makeAccount } from '../contracts/pbx-accounts.ts'
import type { AsteriskLab } from '../lab/asterisk.ts'
import { asteriskWorld } from '../lab/asterisk-world.ts'
import { subject, systemOn } from '../pbx/sip-world.ts'
import { describeLive } from '../setup/requirements.ts'

const limit = () => AbortSignal.timeout(20_000)

const fileOf = ({ configDir }: AsteriskLab) => join(configDir, accountsFile)

/** What somebody with an editor takes away of an extension. */
const deeds: readonly (readonly [string, (lab: AsteriskLab, extension: string) => void])[] = [
  ['all its sections', (lab, extension) => without(lab, extension, /.*/s)],
  ['its endpoint', (lab, extension) => without(lab, extension, /^\[.*\]\ntype=endpoint\n(.+\n)*/m)],
  ['its secret', (lab, extension) => without(lab, extension, /^\[.*\]\ntype=auth\n(.+\n)*/m)],
  ['the whole file', (lab) => rmSync(fileOf(lab))],
]

function without(lab: AsteriskLab, extension: string, part: RegExp) {
  const blocks = readFileSync(fileOf(lab), 'utf8').split(/^(?=; extension )/m)
  const kept = blocks.map((block) => (block.startsWith(`; extension ${extension}\n`) ? block.replace(part, '') : block))
  expect(kept).not.toEqual(blocks)
  writeFileSync(fileOf(lab), kept.join(''))
}

describeLive('an extension that somebody deletes from the files by hand', ['asterisk'], () => {
  let world: Awaited<ReturnType<typeof asteriskWorld>>
  beforeAll(async () => {
    world = await asteriskWorld()
  })
  afterAll(() => world?.stop())

  /** A colleague's account and this one, with what the server does in one pass over both. */
  async function office(extension: string) {
    const [account, colleague] = [makeAccount(extension), makeAccount(`${extension}1`)]
    await world.driver.applyAccounts([account, colleague], limit())
    const wanted = new Map([account, colleague].map((one) => [one.extension, one]))
    const system = systemOn(world.driver, wanted)
    const open = ({ extension, credentials: [credential] }: PbxAccount) => subject(credential!, { extension })
    return {
      account,
      /** From now on this one is a leaver. */
      leave: () => wanted.set(extension, { ...account, credentials: [] }),
      async pass(changes: Partial<SipCredentialSubject> = {}, { actFirst = false } = {}) {
        const subjects = [{ ...open(account), ...changes }, open(colleague)]
        const { outcomes } = await reconcile(system, subjects, { actFirst, whole: true, signal: limit() })
        return outcomes.map(({ finding, foundDiffering }) => ({ now: finding.state, before: foundDiffering?.problem }))
      },
      /** The answers that both phones get. */
      async doors() {
        const phones = [account, colleague].map(async (one) => {
          const { username, secret } = one.credentials[0]!
          return (await world.phone({ extension: one.extension, username, secret: secret.reveal() })).register()
        })
        return Promise.all(phones)
      },
    }
  }
  const reload = () => world.lab.cli('module reload res_pjsip.so')
  const closed = { wanted: 'closed', generation: 2 } as const

  test.each(deeds)('%s: it is seen that it is gone, and it comes back', async (_, deed) => {
    const { pass, doors } = await office('330')
    expect(await doors()).toEqual([200, 200])
    deed(world.lab, '330')
    reload()
    expect((await doors())[0]).not.toBe(200)
    expect(await pass()).toMatchObject([
      { now: 'as-desired', before: expect.stringMatching(/\w/) },
      { now: 'as-desired' },
    ])
    expect(await doors()).toEqual([200, 200])
  })

  test.each(deeds)("%s: a leaver's is shut and stays away, also when the file is put back", async (_, deed) => {
    const { account, leave, pass, doors } = await office('331')
    const saved = readFileSync(fileOf(world.lab))
    leave()
    deed(world.lab, '331')
    reload()
    expect(await pass(closed, { actFirst: true })).toMatchObject([{ now: 'as-desired' }, { now: 'as-desired' }])
    expect(await doors()).toEqual([401, 200])
    expect(readFileSync(fileOf(world.lab), 'utf8')).not.toContain(account.credentials[0]!.username)
    writeFileSync(fileOf(world.lab), saved)
    reload()
    expect(await doors()).toEqual([200, 200])
    expect(await pass(closed)).toMatchObject([
      { now: 'as-desired', before: expect.stringMatching(/\w/) },
      { now: 'as-desired' },
    ])
    expect(await doors()).toEqual([401, 200])
  })
})
