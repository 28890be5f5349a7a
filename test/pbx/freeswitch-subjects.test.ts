import { randomUUID } from 'node:crypto'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { listText } from '../../src/pbx/freeswitch/subjects/subject-list.ts'
import { openTestAuthorities, requestFor } from '../pki/pki-fixture.ts'
import { entries, shut, signal, subjectOffice } from './subject-office.ts'

const office = subjectOffice()
const { phone, keeper, knockWith, restart, access, judge, takeBack } = office

describe('the allow-list of certificates on FreeSWITCH', () => {
  test('whoever is in service is let in by the list that the profile has read, and nobody else', async () => {
    const [ada, bob] = [await phone(), await phone()]
    office.present = [ada]
    await keeper().publish()
    expect(await knockWith(ada.issued)).toBe('refused')
    await office.port.restart()
    expect([await knockWith(ada.issued), await knockWith(bob.issued)]).toEqual(['let-in', 'refused'])
    expect(await judge(ada.subject)).toMatchObject({
      state: 'as-desired',
      evidence: { summary: expect.stringContaining('in the allow-list that sofia profile internal goes by') },
    })
  })

  test('with nobody in service the list still lets in nobody: an empty one would let in everybody', async () => {
    const bob = await phone()
    expect(await knockWith(bob.issued)).toBe('refused')
    expect(await readFile(office.listFile, 'utf8')).toMatch(/value="urn:uuid:[0-9a-f-]{36}"/)
  })

  test('a certificate taken back is shut only when the port goes by a list without it', async () => {
    const [ada, bob] = [await phone(), await phone()]
    office.present = [ada, bob]
    await keeper().publish()
    await office.port.restart()
    expect(await takeBack(ada)).toMatchObject({
      state: 'waiting',
      problem: expect.stringMatching(
        /^Restart sofia profile internal at a quiet time, it ends its calls: until then it lets serial/,
      ),
    })
    expect(await readFile(office.listFile, 'utf8')).not.toContain(ada.handset)
    expect(await knockWith(ada.issued)).toBe('let-in')
    await office.port.restart()
    expect(await judge(shut(ada))).toMatchObject({
      state: 'as-desired',
      evidence: { summary: expect.stringContaining('its port refused a certificate that is not in it') },
    })
    expect([await knockWith(ada.issued), await knockWith(bob.issued)]).toEqual(['refused', 'let-in'])
  })

  test('somebody else who comes later waits for a restart, and opens no leaver’s line again', async () => {
    const [ada, bob] = [await phone(), await phone()]
    office.present = [ada]
    await keeper().publish()
    await takeBack(ada)
    await office.port.restart()
    office.present = [bob]
    await keeper().publish()
    expect((await judge(shut(ada))).state).toBe('as-desired')
    expect(await judge(bob.subject)).toMatchObject({
      state: 'waiting',
      problem: expect.stringMatching(/until then it refuses serial/),
    })
  })

  test('after many changes without a restart the list in force is still known, by few questions', async () => {
    const ada = await phone()
    office.present = [ada]
    await keeper().publish()
    await office.port.restart()
    let questions = 0
    const counted = keeper({
      knockAs: async (uuid) => {
        questions += 1
        return knockWith((await phone(uuid)).issued)
      },
    })
    // As every pass begins.
    await counted.read(signal())
    questions = 0
    for (let index = 0; index < 30; index++) {
      office.present = [ada, { ...ada, handset: randomUUID(), issued: { ...ada.issued, serial: `f${index}` } }]
      await counted.publish()
    }
    expect((await counted.read(signal())).running?.handsets).toEqual(entries([ada]))
    expect(questions).toBeLessThanOrEqual(12)
    await office.port.restart()
    questions = 0
    expect((await counted.read(signal())).running?.handsets).toEqual(entries(office.present))
    // The stranger, the mark, and the stranger once more.
    expect(questions).toBe(3)
  })

  test('a profile that looks at no names is no proof: who is open stays open, who is shut waits for a person', async () => {
    const [ada, bob] = [await phone(), await phone()]
    office.present = [ada, bob]
    await keeper().publish()
    office.port.policy = 'in'
    await office.port.restart()
    expect(await takeBack(ada)).toMatchObject({
      state: 'waiting',
      problem: expect.stringContaining('lets in a certificate that is not in the allow-list'),
    })
    expect(await judge(bob.subject)).toMatchObject({ state: 'as-desired', evidence: { facts: { enforced: false } } })
    office.port.policy = 'in|subjects_in'
    office.port.included = false
    await office.port.restart()
    expect((await judge(shut(ada))).state).toBe('waiting')
  })

  test('a connection that broke once is no proof: the stranger is asked again once a mark was let in', async () => {
    const ada = await phone()
    await takeBack(ada)
    office.port.policy = 'in'
    await office.port.restart()
    let breaks = 1
    const list = access({
      knockAs: async (uuid) => (breaks-- > 0 ? 'refused' : knockWith((await phone(uuid)).issued)),
    })
    expect(await judge(shut(ada), list)).toMatchObject({
      state: 'waiting',
      problem: expect.stringContaining('lets in a certificate that is not in the allow-list'),
      evidence: { facts: { enforced: false } },
    })
  })

  test('a list that is not ours in force says so', async () => {
    const ada = await phone()
    await takeBack(ada)
    await writeFile(office.listFile, listText({ mark: randomUUID(), handsets: entries([ada]), former: new Map() }))
    await office.port.restart()
    await keeper().publish()
    expect(await judge(shut(ada))).toMatchObject({
      state: 'waiting',
      problem: expect.stringContaining('an allow-list that Ringfence does not know'),
    })
  })

  test('an older certificate of a handset that is in the list cannot be told apart, and is never called refused', async () => {
    const old = await phone()
    const renewed = await phone(old.handset)
    office.present = [old]
    await keeper().publish()
    office.present = [renewed]
    await keeper().publish()
    await office.port.restart()
    expect(await knockWith(old.issued)).toBe('let-in')
    expect((await judge(shut(old))).state).toBe('unverifiable')
    // Also when what was before is not known any more.
    await rm(office.historyFile)
    const list = access({ everIssued: async () => entries([old, renewed]) })
    await list.apply([renewed.subject], signal())
    await office.port.restart()
    expect((await judge(shut(old), list)).state).toBe('unverifiable')
  })

  test('a certificate that ran out needs no list', async () => {
    const ada = await phone()
    const over = { ...shut(ada), notAfter: '2020-01-01T00:00:00.000Z' }
    expect(await judge(over)).toMatchObject({ state: 'as-desired' })
  })

  test('a file that somebody changed or removed is written again, and one that is right is left alone', async () => {
    office.present = [await phone()]
    await keeper().publish()
    const before = await readFile(office.listFile, 'utf8')
    await writeFile(office.listFile, `${before}<!-- mine -->`)
    expect((await judge(office.present[0]!.subject)).state).toBe('differs')
    await keeper().publish()
    expect(await readFile(office.listFile, 'utf8')).toBe(before)
    await rm(office.listFile)
    await keeper().publish()
    expect(await readFile(office.listFile, 'utf8')).toBe(before)
  })

  test('a history that is lost or half is begun anew, and says nothing until the profile read the new list', async () => {
    const ada = await phone()
    office.present = [ada]
    await keeper().publish()
    await office.port.restart()
    for (const text of ['', '[{"mark":', '{}']) {
      await writeFile(office.historyFile, text)
      await keeper().publish()
      expect((await judge(ada.subject)).state).toBe('waiting')
    }
    await office.port.restart()
    expect((await judge(ada.subject)).state).toBe('as-desired')
  })

  test('only when the settings say so does Ringfence restart the profile, and only for what is to be shut', async () => {
    const [ada, bob] = [await phone(), await phone()]
    office.present = [ada]
    await keeper().publish()
    await office.port.restart()
    let restarts = 0
    const list = access({
      restart: async () => {
        restarts += 1
        await restart()
      },
    })
    office.present = [ada, bob]
    await list.apply([bob.subject], signal())
    expect(restarts).toBe(0)
    expect(await takeBack(ada, list)).toMatchObject({ state: 'as-desired' })
    expect(restarts).toBe(1)
    expect(await knockWith(bob.issued)).toBe('let-in')
    await list.apply([shut(ada)], signal())
    expect(restarts).toBe(1)
  })

  test('a restart that FreeSWITCH puts off is an error that is tried again', async () => {
    office.world.fake.faults.tooYoung = true
    await expect(restart()).rejects.toMatchObject({
      code: 'PBX_REFUSED',
      retryable: true,
      message: expect.stringContaining('must be up for at least 10 seconds'),
    })
  })

  test('a port that is away, silent or no SIP is an error, never "refused"', async () => {
    const ada = await phone()
    office.present = [ada]
    await keeper().publish()
    await office.port.restart()
    office.port.fault = 'silent'
    await expect(knockWith(ada.issued)).rejects.toMatchObject({ code: 'PBX_UNREACHABLE', retryable: true })
    office.port.fault = 'no-sip'
    await expect(knockWith(ada.issued)).rejects.toMatchObject({ code: 'PBX_REFUSED' })
    await office.port.door.shut()
    await expect(judge(shut(ada))).rejects.toMatchObject({ code: 'PBX_UNREACHABLE' })
    await office.port.door.open()
  })

  test('a port that does not trust the authority turns everybody away, which is not the list', async () => {
    const ada = await phone()
    const stranger = await openTestAuthorities(join(office.folder, randomUUID()))
    const issued = await stranger.handset.issue(requestFor({ handsetId: ada.handset }))
    expect(await knockWith(issued)).toBe('refused')
  })
})
