import { expect, test } from 'vitest'
import { commandLine, steady } from './command-line.ts'

const { run } = commandLine()
const ivo = ['--name', 'Ivo Example', '--email', 'ivo@example.com', '--role', 'helpdesk'] as const

test('an administrator is created and brought back by a link that stands alone on standard output', async () => {
  const made = await run(['admin', 'create', ...ivo])
  expect(made.code).toBe(0)
  expect(steady(made.out)).toBe('http://localhost:8080/setup/<token>\n')
  expect(made.err).toContain('ivo@example.com, helpdesk; the link works once, until 2026-11-22')
  const back = await run(['admin', 'recover', 'ivo@example.com'])
  expect(steady(back.out)).toBe('http://localhost:8080/setup/<token>\n')
  expect(JSON.parse((await run(['admin', 'recover', 'ivo@example.com', '--json'])).out)).toMatchObject({
    setupUrl: expect.stringContaining('/setup/'),
  })
})

test('the list says who signs in how, and who did not come yet', async () => {
  const { out } = await run(['admin', 'list'])
  expect(out).toMatch(/ivo@example\.com +Ivo Example +helpdesk +link not used yet +never/)
  expect(out).not.toContain('/setup/')
})

test('somebody is disabled once, and unknown after it', async () => {
  expect((await run(['admin', 'disable', 'ivo@example.com'])).out).toBe('ivo@example.com cannot sign in any more\n')
  expect(await run(['admin', 'disable', 'ivo@example.com'])).toMatchObject({ code: 4 })
  expect((await run(['admin', 'list'])).out).toContain('disabled')
})

test('a role must be named, and be one', async () => {
  expect(await run(['admin', 'create', '--name', 'E', '--email', 'e@example.com'])).toMatchObject({ code: 2 })
  expect(await run(['admin', 'create', '--name', 'E', '--email', 'e@example.com', '--role', 'king'])).toMatchObject({
    code: 2,
  })
})
