import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startFakeSofiaPort } from '../fakes/fake-sofia-port.ts'
import { issueTestCertificate, makeTestAuthority } from '../lab/test-certificates.ts'
import { mia, onboarded, openWorld, person } from './world.ts'

/** The whole application beside the port of a FreeSWITCH that is not real; its accounts are those of the PBX in memory. */
async function openOffice() {
  const folder = await mkdtemp(join(tmpdir(), `ringfence-allow-list-${process.pid}-`))
  const listFile = join(folder, 'subjects.xml')
  const authority = makeTestAuthority('Authority of the PBX')
  const { certificate, key } = issueTestCertificate(authority, 'pbx.example.com', ['127.0.0.1'])
  const port = await startFakeSofiaPort(listFile, { cert: certificate, key, ca: authority.certificate })
  const world = await openWorld({
    env: {
      RINGFENCE_PBX: 'freeswitch',
      RINGFENCE_PBX_REALM: 'pbx.example.com',
      RINGFENCE_PBX_ADDRESS: '127.0.0.1',
      RINGFENCE_PBX_PORT: String(port.door.port),
      RINGFENCE_PBX_ESL_SECRET_FILE: import.meta.filename,
      RINGFENCE_PBX_DIRECTORY_SECRET_FILE: import.meta.filename,
      RINGFENCE_PBX_SUBJECTS_FILE: listFile,
    },
  })
  port.trust(world.context.handsetAuthority.certificate)
  await port.restart()
  const line = async (email: string) => {
    const { access } = await world.app.employee(email)
    return access.find(({ system }) => system === 'allow-list')
  }
  return {
    world,
    port,
    listFile,
    line,
    async [Symbol.asyncDispose]() {
      await world[Symbol.asyncDispose]()
      await port.door.shut()
      await rm(folder, { recursive: true })
    },
  }
}

const phone = (last: number) => `yealink-t54w=80:5e:c0:aa:bb:0${last}`

test('on a FreeSWITCH with an allow-list a leaver is complete when its port goes by a list without them', async () => {
  await using office = await openOffice()
  const { world, port, line } = office
  // Before anybody is there: no file would let in everybody.
  await expect
    .poll(() => readFile(office.listFile, 'utf8').catch(() => ''), { timeout: 10_000 })
    .toContain('tls-verify-in-subjects')
  await onboarded(world, person('Ada Byron', '1001', phone(1)))
  await onboarded(world, person('Bo Berg', '1002', phone(2)))
  expect(await line('ada@example.com')).toMatchObject({ wanted: 'open', verdict: 'waiting' })
  await port.restart()
  await world.sweep()
  expect(await line('ada@example.com')).toMatchObject({ wanted: 'open', verdict: 'converged' })

  await world.app.offboard('1001', null, mia)
  const leaving = await world.app.settled('ada@example.com', 5_000)
  expect(leaving.lifecycle).toBe('offboarding')
  expect(leaving.access.filter(({ verdict }) => verdict !== 'converged').map(({ system }) => system)).toEqual([
    'allow-list',
  ])
  expect(await line('ada@example.com')).toMatchObject({
    verdict: 'waiting',
    problem: expect.stringContaining('Restart sofia profile internal at a quiet time'),
  })
  expect(leaving.access.find(({ system }) => system === 'certificate')?.evidence?.summary).toMatch(
    /; see the line allow-list$/,
  )
  await port.restart()
  await world.sweep()
  await expect.poll(async () => (await world.app.employee('ada@example.com')).lifecycle).toBe('offboarded')
  expect(await line('ada@example.com')).toMatchObject({ wanted: 'closed', verdict: 'converged' })
  expect(await line('bo@example.com')).toMatchObject({ wanted: 'open', verdict: 'converged' })
}, 60_000)
