import { expect, test } from 'vitest'
import { offboarded, onboarded, person } from '../journeys/world.ts'
import { consoleOfFile } from './console-desk.ts'
import { plain } from './form-visitor.ts'

const { desk, get } = consoleOfFile(['admin'])

test('the first page asks for the first person only where there never was one, and else leads to those who left', async () => {
  expect(plain((await get('/')).text)).toMatch(/Nobody has a phone yet\s+Onboard your first person/)
  await onboarded(desk.world, person('Ada Byron', '1001', 'linphone-mobile'))
  expect((await get('/')).text).not.toContain('Nobody has a phone')
  await offboarded(desk.world, '1001')
  expect((await desk.world.app.employee('ada@example.com')).lifecycle).toBe('offboarded')
  const { text } = await get('/')
  expect(plain(text)).toContain('Nobody has a phone now')
  expect(text).not.toMatch(/phone yet|first person/)
  const [, href] = /href="([^"]+)">1 person has left</.exec(text)!
  expect((await get(href!)).text).toContain('Ada Byron')
})
