import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import type { MailView } from '../../src/journeys/mail-view.ts'
import { read } from '../fakes/post-office.ts'
import { loneServer } from '../lab/lone-server.ts'
import { tunnelNeeds, until } from '../lab/network.ts'
import { describeLive } from '../setup/requirements.ts'

const postOffice = fileURLToPath(new URL('../fixtures/slow-post-office.ts', import.meta.url))

describeLive('a link by mail from a real server', tunnelNeeds, () => {
  test('that is killed after the letter went out and before it knew: it is sent again, as the same mail', async () => {
    const folder = await mkdtemp(join(tmpdir(), `ringfence-post-${process.pid}-`))
    try {
      await using office = await loneServer('mail', {
        SMTP_URL: 'smtp://127.0.0.1:2525',
        SMTP_FROM: 'IT <it@example.com>',
      })
      const { place, server } = office
      place.start(process.execPath, postOffice, folder, '2525')
      await until(() => existsSync(join(folder, 'listening')))
      await server.start()
      const { invite } = (await office.onboardAda({ mail: 'de' })) as { invite: { url: string } }
      const mail = async () =>
        ((await server.api('GET', '/api/v1/employees/1001/mails')).body as { items: MailView[] }).items[0]!
      // The mail server has the whole letter and has not said so yet.
      await until(() => existsSync(join(folder, '1.eml')), 15_000)
      expect(await mail()).toMatchObject({ state: 'queued' })
      await server.kill()
      writeFileSync(join(folder, 'answer'), '')

      await server.start()
      await until(async () => (await mail()).state === 'sent', 15_000)
      expect((await readdir(folder)).filter((name) => name.endsWith('.eml'))).toHaveLength(2)
      const [first, second] = ['1.eml', '2.eml'].map((name) => read(readFileSync(join(folder, name), 'utf8')))
      expect(first!.text).toContain(invite.url)
      expect(second!.text).toContain(invite.url)
      expect(second!.headers['message-id']).toBe(first!.headers['message-id'])
      expect(server.log()).not.toContain(invite.url.split('/').at(-1))
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})
