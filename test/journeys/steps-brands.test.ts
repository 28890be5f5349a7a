import { readdir } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { html, htmlText } from '../../src/http/html.ts'
import { loadManualGuide } from '../../src/pbx/manual-guide.ts'
import { openConsoleWorld } from './console-world.ts'
import { offboarded, onboarded, person } from './world.ts'

const folder = 'templates/manual-pbx'
const brands = (await readdir(folder)).map((name) => name.replace('.json', ''))

describe('the steps that a person prints', () => {
  test.each(brands)('are those of %s where RINGFENCE_PBX_BRAND says so, on the list and on paper', async (brand) => {
    const guide = await loadManualGuide(folder, brand)
    await using world = await openConsoleWorld({ pbx: 'manual', env: { RINGFENCE_PBX_BRAND: brand } })
    const cookie = await world.signIn('admin')
    const get = async (path: string) =>
      (await fetch(`http://127.0.0.1:${world.port}${path}`, { headers: { cookie } })).text()
    const { employee } = await onboarded(world.world, person('Ada Byron', '1001', 'linphone-mobile'))
    for (const deed of ['opening', 'closing'] as const) {
      if (deed === 'closing') await offboarded(world.world, employee.id)
      // A command stands in a frame of its own.
      const paper = (await get(`/people/${employee.id}/steps`)).replace(/<\/?code>/g, '')
      expect(paper).toContain(escaped(`on ${guide.name}`))
      const { sheets } = await world.world.app.people.stepsOf(employee.id)
      expect(sheets).toMatchObject([{ deed, brand: guide.name }])
      expect(sheets[0]!.parts).toHaveLength(guide[deed].length)
      for (const part of sheets[0]!.parts) {
        expect(part).not.toMatch(/\{[a-z]+\}/i)
        expect(paper).toContain(escaped(part.replaceAll('`', '')))
      }
      expect(await get('/steps')).toContain('Ada Byron')
    }
  })
})

/** As the page writes it. */
function escaped(words: string): string {
  return htmlText(html`${words}`)
}
