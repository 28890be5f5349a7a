import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { formats } from '../../src/phones/escape.ts'
import { gatewayScriptScope, sampleGateways } from '../../src/phones/gateway-scope.ts'
import { blankingScope, sampleBlanking, scopeOf } from '../../src/phones/scope.ts'
import { sampleValues, templatesFolder } from './sample-values.ts'

const page = await readFile(join(templatesFolder, '../docs/templates.md'), 'utf8')

/** `sip.host` for what is in an object, the plain name for everything else. */
function namesIn(scope: object): readonly string[] {
  return Object.entries(scope).flatMap(([name, value]) =>
    Object.getPrototypeOf(value ?? 0) === Object.prototype
      ? Object.keys(value).map((inner) => `${name}.${inner}`)
      : name,
  )
}

test('docs/templates.md names everything that a template can print, and every format', () => {
  const names = [
    scopeOf(sampleValues(), { polling: { minimumMinutes: null, sure: 'unknown', source: 'the test' } }),
    blankingScope(sampleBlanking),
    gatewayScriptScope(sampleGateways[0]!),
  ].flatMap(namesIn)
  expect(names).toEqual(
    expect.arrayContaining(['sip.ha1', 'provisioning.path', 'fillerDigits', 'door.phonesUrl', 'keyUrl']),
  )
  const said = (name: string) =>
    page.includes(`\`${name}\``) ||
    // `provisioning.scheme`, `.address`, …
    (page.includes(`\`${name.split('.')[0]}.`) && page.includes(`\`.${name.split('.')[1]}\``))
  expect(names.filter((name) => !said(name))).toEqual([])
  expect(formats.filter((format) => !page.includes(`\`${format}\``))).toEqual([])
})
