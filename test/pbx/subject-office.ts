import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import type { CertificateSubject } from '../../src/domain/access.ts'
import { knock } from '../../src/pbx/freeswitch/subjects/knock.ts'
import { restartProfile } from '../../src/pbx/freeswitch/subjects/restart-profile.ts'
import { subjectAccess } from '../../src/pbx/freeswitch/subjects/subject-access.ts'
import { type SubjectKeeperOptions, subjectKeeper } from '../../src/pbx/freeswitch/subjects/subject-keeper.ts'
import { serialKey } from '../../src/pbx/freeswitch/subjects/subject-list.ts'
import type { Authorities } from '../../src/pki/certificate-authority.ts'
import type { IssuedCertificate } from '../../src/pki/pki-port.ts'
import { type FakeSofiaPort, startFakeSofiaPort } from '../fakes/fake-sofia-port.ts'
import { type FreeswitchWorld, freeswitchWorld } from '../fakes/freeswitch-world.ts'
import { openTestAuthorities, requestFor } from '../pki/pki-fixture.ts'

export const signal = () => AbortSignal.timeout(10_000)

export interface Phone {
  readonly handset: string
  readonly issued: IssuedCertificate
  readonly subject: CertificateSubject
}

export const shut = ({ subject }: Phone): CertificateSubject => ({ ...subject, wanted: 'closed', generation: 2 })

export const entries = (phones: readonly Phone[]) =>
  new Map(phones.map(({ issued, handset }) => [serialKey(issued.serial), handset]))

/** A FreeSWITCH with an allow-list, anew for each test of a file; the authorities are those of the file. */
export function subjectOffice() {
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

  async function judge(subject: CertificateSubject, list = access()) {
    return list.judge(subject, await list.read(signal()))
  }
  /** The click, and what the lane does with it. */
  async function takeBack(one: Phone, list = access()) {
    present = present.filter((other) => other !== one)
    await list.apply([shut(one)], signal())
    return judge(shut(one), list)
  }

  return {
    get folder() {
      return folder
    },
    get port() {
      return port
    },
    get world() {
      return world
    },
    get listFile() {
      return listFile
    },
    get historyFile() {
      return historyFile
    },
    /** Whose certificates are open. */
    get present() {
      return present
    },
    set present(phones) {
      present = phones
    },
    phone,
    keeper,
    knockWith,
    restart,
    access,
    judge,
    takeBack,
  }
}
