import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'

const checkout = join(import.meta.dirname, '../..')

const lockSchema = z.object({
  packages: z.record(
    z.string(),
    z.object({
      resolved: z.string().optional(),
      integrity: z.string().optional(),
      hasInstallScript: z.boolean().optional(),
      dependencies: z.record(z.string(), z.string()).optional(),
      optionalDependencies: z.record(z.string(), z.string()).optional(),
    }),
  ),
})

const { packages } = lockSchema.parse(JSON.parse(readFileSync(join(checkout, 'package-lock.json'), 'utf8')))
const installed = Object.entries(packages).filter(([path]) => path !== '')

describe('the lock file', () => {
  // npm 11 refuses `npm ci` ("Missing: … from lock file") as soon as one is named without being described, even an
  // optional one for another system.
  test('describes every package that it names, so that `npm ci` works', () => {
    const gaps = Object.entries(packages).flatMap(([path, { dependencies, optionalDependencies }]) =>
      Object.keys({ ...dependencies, ...optionalDependencies })
        .filter((name) => !isDescribed(path, name))
        .map((name) => `${name}, wanted by ${path || 'the project'}`),
    )
    expect(gaps).toEqual([])
  })

  test('fixes the content of every package by its checksum', () => {
    expect(installed.filter(([, { integrity }]) => !integrity?.startsWith('sha512-')).map(([path]) => path)).toEqual([])
  })

  test('brings no package that runs a script of its own when it is installed', () => {
    expect(installed.filter(([, { hasInstallScript }]) => hasInstallScript).map(([path]) => path)).toEqual([])
  })

  test('holds the exact versions that package.json asks for', () => {
    const manifest = z
      .object({ dependencies: z.record(z.string(), z.string()), devDependencies: z.record(z.string(), z.string()) })
      .parse(JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8')))
    const asked = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })
    expect(asked.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([])
  })
})

/** As Node resolves: in the package's own node_modules, or in one further up. */
function isDescribed(path: string, name: string): boolean {
  for (let place = path; ; place = place.replace(/\/?node_modules\/(@[^/]+\/)?[^/]+$/, '')) {
    if (packages[`${place ? `${place}/` : ''}node_modules/${name}`]) return true
    if (place === '') return false
  }
}
