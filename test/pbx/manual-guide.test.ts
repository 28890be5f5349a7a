import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { loadManualGuide } from '../../src/pbx/manual-guide.ts'

const folder = 'templates/manual-pbx'
const brands = (await readdir(folder)).map((name) => name.replace('.json', ''))

describe('the steps on a PBX that is operated by hand', () => {
  test('each brand with steps can be chosen, and each that can be chosen has steps', () => {
    for (const brand of brands) expect(readConfig({ RINGFENCE_PBX_BRAND: brand }).pbxs[0]!.brand).toBe(brand)
    expect(() => readConfig({ RINGFENCE_PBX_BRAND: 'acme' })).toThrow(
      expect.objectContaining({
        problems: [
          expect.objectContaining({
            hint: `one of ${['generic', ...brands.filter((one) => one !== 'generic')].join(', ')}`,
          }),
        ],
      }),
    )
  })

  test.each(brands)(
    'of %s: closing blocks before it ends calls, and thinks of what outlives a password',
    async (brand) => {
      const { opening, rotating, closing } = await loadManualGuide(folder, brand)
      const place = (words: RegExp) => closing.findIndex((step) => words.test(step))
      const [secret, calls] = [place(/password|secret|ha1|SIP login/i), place(/^End its calls/)]
      expect(secret).toBeGreaterThanOrEqual(0)
      expect(calls).toBeGreaterThan(secret)
      expect(place(/forward/i)).toBeGreaterThan(calls)
      for (const words of [/registration|regist|ul\.rm|contact/i, /PIN/, /DISA/, /shared lines/, /^Look again/]) {
        expect(place(words), String(words)).toBeGreaterThanOrEqual(0)
      }
      for (const steps of [opening, rotating]) expect(steps.join(' ')).toContain('ringfence secret {extension}')
      expect(opening.join(' ')).toMatch(/Emergency numbers/)
    },
  )

  test('a file with a value that nobody fills in is refused', async () => {
    const own = await mkdtemp(join(tmpdir(), `ringfence-guide-${process.pid}-`))
    const steps = { opening: ['Type {secret}.'], rotating: ['a'], closing: ['b'] }
    await writeFile(join(own, 'x.json'), JSON.stringify({ name: 'X', sources: ['y'], ...steps }))
    await expect(loadManualGuide(own, 'x')).rejects.toMatchObject({ code: 'TEMPLATE_INVALID' })
    await rm(own, { recursive: true })
  })
})
