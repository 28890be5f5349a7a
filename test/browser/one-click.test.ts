import { afterAll, beforeAll, expect, test } from 'vitest'
import { onboarded, person } from '../journeys/world.ts'
import { describeLive } from '../setup/requirements.ts'
import { keep } from './chromium.ts'
import { type Desk, openDesk } from './desk.ts'

let desk: Desk

describeLive('a form that is sent twice', ['chromium'], () => {
  beforeAll(async () => {
    desk = await openDesk()
  })
  afterAll(async () => desk?.[Symbol.asyncDispose]())

  test.each([true, false])('by a double click hands one phone out and shows its link (script: %s)', async (script) => {
    const { open, context, complaints } = await desk.signedIn({ script })
    const page = await open('/onboard')
    const extension = script ? '1301' : '1302'
    await page.locator('#name').fill('Dora Double')
    await page.locator('#email').fill(`dora${extension}@example.com`)
    await page.locator('#extension').fill(extension)
    await page.locator('#model0').fill('linphone-mobile')
    if (script) await expect.poll(() => page.locator('#checked').textContent()).toContain('Everything fits')
    await page.getByRole('button', { name: 'Hand it out' }).last().dblclick()
    await page.waitForURL('**/hand-over?link=*')
    expect(await page.locator('input.copy').first().inputValue()).toMatch(/\/join\//)
    await keep(`one-click-${script}`, await page.screenshot({ fullPage: true }))

    await page.goto(page.url().replace(/\?link=.*/, ''))
    await page.getByRole('button', { name: 'Make a new link' }).dblclick()
    await page.waitForURL('**/hand-over?link=*')
    const link = await page.locator('input.copy').first().inputValue()
    expect(await desk.world.app.join(link.split('/').at(-1)!)).toMatchObject({ extension })
    // One with the person, one with the new link.
    const made = await desk.world.store.auditTrail({ limit: 1_000 })
    const { id } = await desk.world.app.employee(extension)
    expect(made.filter(({ kind, employeeId }) => kind === 'invite.created' && employeeId === id)).toHaveLength(2)
    expect(complaints).toEqual([])
    await context.close()
  })

  test('shows no script error while somebody types quickly and no mail is set up', async () => {
    const { open, context, complaints } = await desk.signedIn()
    const page = await open('/onboard')
    const checks: string[] = []
    page.on('request', (request) => {
      if (request.url().endsWith('/onboard/check')) checks.push(request.url())
    })
    for (let round = 0; round < 4; round += 1) {
      await page.locator('#email').pressSequentially('ab@')
      await expect.poll(() => checks.length).toBeGreaterThan(round)
    }
    await expect.poll(() => page.locator('#email-said').textContent()).toContain('is not an e-mail address')
    await page.goto(page.url().replace('/onboard', '/people'))
    await page.locator('#search').pressSequentially('nobody at all', { delay: 60 })
    await expect.poll(() => page.locator('#list').textContent()).toContain('Nobody matches')
    expect(complaints).toEqual([])
    await context.close()
  })

  test('and refused leads to the first wrong field; another handset leads to its model', async () => {
    const { open, context } = await desk.signedIn()
    const focused = (of: Awaited<ReturnType<typeof open>>) => of.evaluate<string>(`document.activeElement?.name ?? ''`)
    const page = await open('/onboard')
    await page.locator('#name').fill('Eve')
    await page.locator('#email').fill('eve@example.com')
    await page.locator('#extension').fill('13x')
    await page.getByRole('button', { name: 'Another handset' }).click()
    await page.locator('#model1').waitFor()
    await expect.poll(() => focused(page)).toBe('model1')
    await page.locator('#extension').press('Enter')
    await page.waitForLoadState()
    await expect.poll(() => focused(page)).toBe('extension')
    const { employee } = await onboarded(desk.world, person('Fay', '1303', 'yealink-t54w=805ec0aabb31'))
    const phone = await open(`/handsets/${employee.handsets[0]!.id}`)
    await phone.locator('select[name=name]').selectOption('timezone')
    await phone.locator('textarea[name=value]').fill('Mars/Olympus')
    await phone.getByRole('button', { name: 'See what it changes' }).click()
    await expect.poll(() => focused(phone)).toBe('value')
    await context.close()
  })
})
