import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openPostOffice, read } from '../fakes/post-office.ts'
import { mia, openWorld, person, type World } from './world.ts'

const own = async (world: World, name: string, content: string | Uint8Array) => {
  const path = join(world.folder, 'templates/messages', name)
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, content)
}
const templateLines = async (world: World) =>
  (await world.app.doctor()).checks.filter(({ area }) => area === 'templates')

const words = 'Subject: Your phone at ACME\r\n\r\nDear {name},\r\n\r\n{link}\r\n\r\nUntil {until}.\r\n'

describe('words of mails of one’s own', () => {
  test('are used from the next mail on, without a restart, and gone again with their file', async () => {
    await using office = await openPostOffice()
    await using world = await openWorld({ env: office.env })
    const sent = async (extension: string) => {
      const { invite } = await world.app.onboard(
        { ...person('Ada Byron', extension, 'linphone-mobile'), email: `a${extension}@example.com`, mail: 'en' },
        mia,
      )
      await world.mails.run()
      return { ...read(office.received.at(-1)!.raw), url: invite.url }
    }
    await own(world, 'en/invite.txt', words)
    const mine = await sent('1001')
    expect(mine.headers.subject).toBe('Your phone at ACME')
    expect(mine.text).toMatch(new RegExp(`^Dear Ada Byron,\\n\\n${mine.url}\\n\\nUntil .+\\.\\n`))
    expect(mine.html).toContain(`<a href="${mine.url}"`)
    expect(await templateLines(world)).toContainEqual(
      expect.objectContaining({ state: 'note', message: 'mails: your own words stand in for en/invite.txt' }),
    )
    await rm(join(world.folder, 'templates'), { recursive: true })
    expect((await sent('1002')).headers.subject).toBe('Your office phone: extension 1002')
    expect(JSON.stringify(await templateLines(world))).not.toContain('mails:')
  })

  test.each([
    ['no subject', 'Dear {name},\n\n{link}\n', /its first line is not/],
    ['a value that does not exist', words.replace('{until}', '{password}'), /there is no value \{password\}/],
    ['the link in the subject', words.replace('ACME', '{link}'), /do not belong in a subject/],
    ['no link at all', words.replace('{link}', ''), /the link is missing/],
    ['another encoding', new Uint8Array([...Buffer.from(words), 0xe4]), /it is not UTF-8/],
    ['far too much', words + 'x'.repeat(100_000), /larger than 100 kB/],
  ])(
    'with %s stop no mail: it goes out with the delivered words, and doctor names the file',
    async (_what, content, why) => {
      await using office = await openPostOffice()
      await using world = await openWorld({ env: office.env })
      await own(world, 'en/invite.txt', content)
      await world.app.onboard({ ...person('Ada Byron', '1001', 'linphone-mobile'), mail: 'en' }, mia)
      await world.mails.run()
      const { headers, text } = read(office.received[0]!.raw)
      expect(headers.subject).toBe('Your office phone: extension 1001')
      expect(text).toContain('Hello Ada Byron,')
      expect(world.log.join('')).toMatch(why)
      const lines = await templateLines(world)
      const [problem] = lines.filter(({ state }) => state === 'problem')
      expect(problem!.message).toMatch(why)
      expect(problem!.message).toContain('templates/messages/en/invite.txt')
      expect(problem!.hint).toContain('until then mails go out with the delivered words')
      expect(JSON.stringify(lines)).not.toContain('your own words stand in')
    },
  )

  test('under a name that nothing reads are named by doctor once', async () => {
    await using office = await openPostOffice()
    await using world = await openWorld({ env: office.env })
    await own(world, 'en/invitation.txt', words)
    await own(world, 'en/invite.txt~', words)
    const named = (await templateLines(world)).filter(({ message }) => message.includes('invit'))
    expect(named.map(({ message }) => message)).toEqual(['mails: nothing uses en/invitation.txt'])
  })
})
