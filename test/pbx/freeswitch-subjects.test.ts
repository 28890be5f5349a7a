import { randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { CertificateSubject } from '../../src/domain/access.ts'
import { inService } from '../../src/main/subject-lists.ts'
import { knock } from '../../src/pbx/subjects/knock.ts'
import { restartProfile } from '../../src/pbx/subjects/restart-profile.ts'
import { subjectAccess } from '../../src/pbx/subjects/subject-access.ts'
import { type SubjectKeeperOptions, subjectKeeper } from '../../src/pbx/subjects/subject-keeper.ts'
import { listText, mostNames, readStoredLists, serialKey, storedLists } from '../../src/pbx/subjects/subject-list.ts'
import type { Authorities } from '../../src/pki/certificate-authority.ts'
import type { IssuedCertificate } from '../../src/pki/pki-port.ts'
import { type FakeSofiaPort, startFakeSofiaPort } from '../fakes/fake-sofia-port.ts'
import { type FreeswitchWorld, freeswitchWorld } from '../fakes/freeswitch-world.ts'
import { openTestAuthorities, requestFor } from '../pki/pki-fixture.ts'

const signal = () => AbortSignal.timeout(10_000)

let folder: string
let authorities: Authorities
let server: IssuedCertificate
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), `ringfence-subjects-${process.pid}-`))
  authorities = await openTestAuthorities(folder)
  server = await authorities.service.issueServer({
    commonName: 'pbx.example.com',
    dnsNames: ['pbx.example.com'],
    addresses: [],
    now: new Date(),
    validDays: 30,
  })
}, 60_000)
afterAll(() => rm(folder, { recursive: true }))

interface Phone {
  readonly handset: string
  readonly issued: IssuedCertificate
  readonly subject: CertificateSubject
}

async function phone(handset: string = randomUUID()): Promise<Phone> {
  const issued = await authorities.handset.issue(requestFor({ handsetId: handset }))
  const subject: CertificateSubject = {
    kind: 'certificate',
    id: issued.serial,
    employeeId: 'e1',
    wanted: 'open',
    generation: 1,
    pbxId: 'default',
    serial: issued.serial,
    notAfter: issued.notAfter,
    revokedAt: null,
  }
  return { handset, issued, subject }
}

let port: FakeSofiaPort
let world: FreeswitchWorld
let listFile: string
let historyFile: string
let present: Phone[]
beforeEach(async () => {
  const name = randomUUID()
  listFile = join(folder, name, 'subjects.xml')
  historyFile = join(folder, `${name}.json`)
  present = []
  await keeper().publish()
  port = await startFakeSofiaPort(listFile, {
    cert: server.certificate,
    key: server.privateKey.reveal(),
    ca: authorities.handset.certificate,
  })
  world = await freeswitchWorld()
  world.fake.restarted = () => port.restart()
})
afterEach(async () => {
  await port.door.shut()
  await world.stop()
})

const target = () => ({ host: '127.0.0.1', port: port.door.port, domain: 'pbx.example.com', timeoutMs: 2_000 })
const knockWith = ({ certificate, privateKey }: IssuedCertificate) =>
  knock(target(), { certificate, key: privateKey.reveal() }, signal())
const entries = (phones: readonly Phone[]) =>
  new Map(phones.map(({ issued, handset }) => [serialKey(issued.serial), handset]))

function keeper(more: Partial<SubjectKeeperOptions> = {}) {
  return subjectKeeper({
    listFile,
    historyFile,
    wanted: async () => entries(present),
    everIssued: async () => new Map(),
    knockAs: async (uuid) => knockWith((await phone(uuid)).issued),
    newId: randomUUID,
    restart: null,
    ...more,
  })
}
const restart = () => restartProfile(world.options.eventSocket, 'internal', signal())
const access = (more: Partial<SubjectKeeperOptions> = {}) =>
  subjectAccess({ pbxId: 'default', keeper: keeper(more), profile: 'internal', now: () => new Date() })
const shut = ({ subject }: Phone): CertificateSubject => ({ ...subject, wanted: 'closed', generation: 2 })

async function judge(subject: CertificateSubject, list = access()) {
  return list.judge(subject, await list.read(signal()))
}
/** The click, and what the lane does with it. */
async function takeBack(one: Phone, list = access()) {
  present = present.filter((other) => other !== one)
  await list.apply([shut(one)], signal())
  return judge(shut(one), list)
}

describe('the allow-list of certificates on FreeSWITCH', () => {
  test('whoever is in service is let in by the list that the profile has read, and nobody else', async () => {
    const [ada, bob] = [await phone(), await phone()]
    present = [ada]
    await keeper().publish()
    expect(await knockWith(ada.issued)).toBe('refused')
    await port.restart()
    expect([await knockWith(ada.issued), await knockWith(bob.issued)]).toEqual(['let-in', 'refused'])
    expect(await judge(ada.subject)).toMatchObject({
      state: 'as-desired',
      evidence: { summary: expect.stringContaining('in the allow-list that sofia profile internal goes by') },
    })
  })

  test('with nobody in service the list still lets in nobody: an empty one would let in everybody', async () => {
    const bob = await phone()
    expect(await knockWith(bob.issued)).toBe('refused')
    expect(await readFile(listFile, 'utf8')).toMatch(/value="urn:uuid:[0-9a-f-]{36}"/)
  })

  test('a certificate taken back is shut only when the port goes by a list without it', async () => {
    const [ada, bob] = [await phone(), await phone()]
    present = [ada, bob]
    await keeper().publish()
    await port.restart()
    expect(await takeBack(ada)).toMatchObject({
      state: 'waiting',
      problem: expect.stringMatching(
        /^Restart sofia profile internal at a quiet time, it ends its calls: until then it lets serial/,
      ),
    })
    expect(await readFile(listFile, 'utf8')).not.toContain(ada.handset)
    expect(await knockWith(ada.issued)).toBe('let-in')
    await port.restart()
    expect(await judge(shut(ada))).toMatchObject({
      state: 'as-desired',
      evidence: { summary: expect.stringContaining('its port refused a certificate that is not in it') },
    })
    expect([await knockWith(ada.issued), await knockWith(bob.issued)]).toEqual(['refused', 'let-in'])
  })

  test('somebody else who comes later waits for a restart, and opens no leaver’s line again', async () => {
    const [ada, bob] = [await phone(), await phone()]
    present = [ada]
    await keeper().publish()
    await takeBack(ada)
    await port.restart()
    present = [bob]
    await keeper().publish()
    expect((await judge(shut(ada))).state).toBe('as-desired')
    expect(await judge(bob.subject)).toMatchObject({
      state: 'waiting',
      problem: expect.stringMatching(/until then it refuses serial/),
    })
  })

  test('after many changes without a restart the list in force is still known, by few questions', async () => {
    const ada = await phone()
    present = [ada]
    await keeper().publish()
    await port.restart()
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
      present = [ada, { ...ada, handset: randomUUID(), issued: { ...ada.issued, serial: `f${index}` } }]
      await counted.publish()
    }
    expect((await counted.read(signal())).running?.handsets).toEqual(entries([ada]))
    expect(questions).toBeLessThanOrEqual(12)
    await port.restart()
    questions = 0
    expect((await counted.read(signal())).running?.handsets).toEqual(entries(present))
    // The stranger, the mark, and the stranger once more.
    expect(questions).toBe(3)
  })

  test('a profile that looks at no names is no proof: who is open stays open, who is shut waits for a person', async () => {
    const [ada, bob] = [await phone(), await phone()]
    present = [ada, bob]
    await keeper().publish()
    port.policy = 'in'
    await port.restart()
    expect(await takeBack(ada)).toMatchObject({
      state: 'waiting',
      problem: expect.stringContaining('lets in a certificate that is not in the allow-list'),
    })
    expect(await judge(bob.subject)).toMatchObject({ state: 'as-desired', evidence: { facts: { enforced: false } } })
    port.policy = 'in|subjects_in'
    port.included = false
    await port.restart()
    expect((await judge(shut(ada))).state).toBe('waiting')
  })

  test('a connection that broke once is no proof: the stranger is asked again once a mark was let in', async () => {
    const ada = await phone()
    await takeBack(ada)
    port.policy = 'in'
    await port.restart()
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
    await writeFile(listFile, listText({ mark: randomUUID(), handsets: entries([ada]), former: new Map() }))
    await port.restart()
    await keeper().publish()
    expect(await judge(shut(ada))).toMatchObject({
      state: 'waiting',
      problem: expect.stringContaining('an allow-list that Ringfence does not know'),
    })
  })

  test('an older certificate of a handset that is in the list cannot be told apart, and is never called refused', async () => {
    const old = await phone()
    const renewed = await phone(old.handset)
    present = [old]
    await keeper().publish()
    present = [renewed]
    await keeper().publish()
    await port.restart()
    expect(await knockWith(old.issued)).toBe('let-in')
    expect((await judge(shut(old))).state).toBe('unverifiable')
    // Also when what was before is not known any more.
    await rm(historyFile)
    const list = access({ everIssued: async () => entries([old, renewed]) })
    await list.apply([renewed.subject], signal())
    await port.restart()
    expect((await judge(shut(old), list)).state).toBe('unverifiable')
  })

  test('a certificate that ran out needs no list', async () => {
    const ada = await phone()
    const over = { ...shut(ada), notAfter: '2020-01-01T00:00:00.000Z' }
    expect(await judge(over)).toMatchObject({ state: 'as-desired' })
  })

  test('a file that somebody changed or removed is written again, and one that is right is left alone', async () => {
    present = [await phone()]
    await keeper().publish()
    const before = await readFile(listFile, 'utf8')
    await writeFile(listFile, `${before}<!-- mine -->`)
    expect((await judge(present[0]!.subject)).state).toBe('differs')
    await keeper().publish()
    expect(await readFile(listFile, 'utf8')).toBe(before)
    await rm(listFile)
    await keeper().publish()
    expect(await readFile(listFile, 'utf8')).toBe(before)
  })

  test('a history that is lost or half is begun anew, and says nothing until the profile read the new list', async () => {
    const ada = await phone()
    present = [ada]
    await keeper().publish()
    await port.restart()
    for (const text of ['', '[{"mark":', '{}']) {
      await writeFile(historyFile, text)
      await keeper().publish()
      expect((await judge(ada.subject)).state).toBe('waiting')
    }
    await port.restart()
    expect((await judge(ada.subject)).state).toBe('as-desired')
  })

  test('only when the settings say so does Ringfence restart the profile, and only for what is to be shut', async () => {
    const [ada, bob] = [await phone(), await phone()]
    present = [ada]
    await keeper().publish()
    await port.restart()
    let restarts = 0
    const list = access({
      restart: async () => {
        restarts += 1
        await restart()
      },
    })
    present = [ada, bob]
    await list.apply([bob.subject], signal())
    expect(restarts).toBe(0)
    expect(await takeBack(ada, list)).toMatchObject({ state: 'as-desired' })
    expect(restarts).toBe(1)
    expect(await knockWith(bob.issued)).toBe('let-in')
    await list.apply([shut(ada)], signal())
    expect(restarts).toBe(1)
  })

  test('a restart that FreeSWITCH puts off is an error that is tried again', async () => {
    world.fake.faults.tooYoung = true
    await expect(restart()).rejects.toMatchObject({
      code: 'PBX_REFUSED',
      retryable: true,
      message: expect.stringContaining('must be up for at least 10 seconds'),
    })
  })

  test('a port that is away, silent or no SIP is an error, never "refused"', async () => {
    const ada = await phone()
    present = [ada]
    await keeper().publish()
    await port.restart()
    port.fault = 'silent'
    await expect(knockWith(ada.issued)).rejects.toMatchObject({ code: 'PBX_UNREACHABLE', retryable: true })
    port.fault = 'no-sip'
    await expect(knockWith(ada.issued)).rejects.toMatchObject({ code: 'PBX_REFUSED' })
    await port.door.shut()
    await expect(judge(shut(ada))).rejects.toMatchObject({ code: 'PBX_UNREACHABLE' })
    await port.door.open()
  })

  test('a port that does not trust the authority turns everybody away, which is not the list', async () => {
    const ada = await phone()
    const stranger = await openTestAuthorities(join(folder, randomUUID()))
    const issued = await stranger.handset.issue(requestFor({ handsetId: ada.handset }))
    expect(await knockWith(issued)).toBe('refused')
  })
})

describe('the file of the allow-list', () => {
  const list = (count: number) => ({
    mark: randomUUID(),
    handsets: new Map(Array.from({ length: count }, (_, index) => [index.toString(16), randomUUID() as string])),
    former: new Map(),
  })

  test('stays within the longest line that FreeSWITCH reads', async () => {
    const longest = Math.max(
      ...listText(list(mostNames))
        .split('\n')
        .map((line) => line.length),
    )
    expect(longest).toBeLessThan(1_048_576 - 1_024)
    await expect(keeper({ wanted: async () => list(mostNames + 1).handsets }).publish()).rejects.toMatchObject({
      code: 'PBX_REFUSED',
    })
  })

  test('takes nothing that is not a handset’s UUID', () => {
    for (const handset of ['*', 'a|b', '"/>', '$${x}', '']) {
      expect(() => listText({ ...list(0), handsets: new Map([['1', handset]]) })).toThrow('is not a UUID')
    }
  })

  test('lists are read back as they were stored', () => {
    const lists = [list(3), { ...list(1), former: new Map([['ab', randomUUID() as string]]) }]
    expect(readStoredLists(storedLists(lists))).toEqual(lists)
    expect(readStoredLists(storedLists([]))).toEqual([])
  })
})

test('the list holds open certificates of its own PBX alone', async () => {
  const certificate = {
    kind: 'certificate',
    id: 'c',
    employeeId: 'e',
    wanted: 'open',
    generation: 1,
    pbxId: 'default',
    serial: '00ab',
    notAfter: '2030-01-01T00:00:00.000Z',
    revokedAt: null,
    handsetId: 'h1',
  } as const
  const others = [
    { ...certificate, serial: '02', wanted: 'closed' as const },
    { ...certificate, serial: '03', pbxId: 'branch' },
    { ...certificate, serial: '04', handsetId: undefined },
  ]
  const store = { subjects: async () => [certificate, ...others] } as unknown as Parameters<typeof inService>[0]
  expect([...(await inService(store, 'default'))]).toEqual([['ab', 'h1']])
})
