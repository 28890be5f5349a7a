/** The sample dialplan of docs/freeswitch.md, held against what the driver sends and what a class means. */
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { XMLParser, XMLValidator } from 'fast-xml-parser'
import { describe, expect, test } from 'vitest'
import { blockedPolicy, type CallPolicy, callClasses, policyText } from '../../src/domain/call-policy.ts'
import { mayDial } from '../../src/domain/dialled-number.ts'
import { classVariables, policyInForce } from '../../src/pbx/freeswitch/freeswitch-classes.ts'
import { germany } from '../fixtures/dialled-numbers.ts'

const page = readFileSync(new URL('../../docs/freeswitch.md', import.meta.url), 'utf8')
const sample = /^ {4}<include>\n[\s\S]*?^ {4}<\/include>\n/m.exec(page)![0]
const options = { context: 'default', classContexts: 'ringfence' }

const variable = (name: string) => `$\{${name}}`

interface Extension {
  readonly name: string
  readonly expression: string
  readonly actions: readonly { readonly application: string; readonly data: string }[]
}

type Attributes = Readonly<Record<string, string>>
const list = <T>(value: T | readonly T[] | undefined): readonly T[] => [value ?? []].flat() as readonly T[]

/** Context by name: its extensions in their order, each with one condition on the dialled number. */
function contexts(): ReadonlyMap<string, readonly Extension[]> {
  const parsed = new XMLParser({ ignoreAttributes: false, attributeNamePrefix: '' }).parse(sample)
  return new Map(
    list<Attributes & { extension: unknown }>(parsed.include.context).map((context) => [
      context.name!,
      list<{ name: string; condition: Attributes & { action: unknown } }>(context.extension as never).map(
        ({ name, condition }) => {
          expect(condition.field).toBe('destination_number')
          return { name, expression: condition.expression!, actions: list(condition.action as never) }
        },
      ),
    ]),
  )
}

/** mod_dialplan_xml: variables are filled in, the first extension that fits takes the call. */
function extensionFor(number: string, policy: CallPolicy): Extension | undefined {
  const variables = classVariables(policy, options)
  const filled = (text: string) => text.replace(/\$\{(\w+)\}/g, (_, name: string) => variables[name] ?? '')
  const context = contexts().get(variables.user_context!) ?? []
  return context.find(({ expression }) => new RegExp(filled(expression)).test(number))
}

const policyOf = (name: CallPolicy['class'], countries: readonly string[] = []): CallPolicy => ({
  ...blockedPolicy,
  class: name,
  countries,
})

describe('the sample dialplan of docs/freeswitch.md', () => {
  test('is well-formed, and has a context for every class', () => {
    expect(XMLValidator.validate(sample)).toBe(true)
    expect([...contexts().keys()]).toEqual(callClasses.map((name) => `ringfence-${name}`))
  })

  test('lets emergency numbers out of every class, first of all and without a limit', () => {
    for (const name of callClasses) {
      for (const number of germany.emergencyNumbers) {
        const taken = extensionFor(number, policyOf(name))
        expect([taken?.name, taken?.actions.map(({ application }) => application)]).toEqual(['emergency', ['bridge']])
      }
    }
  })

  test('lets each class dial what it may, and nothing else', () => {
    const starts = [
      '00',
      '+',
      '0',
      '030',
      '0049',
      '004930',
      '+49',
      '+4930',
      '0043',
      '0041',
      '001',
      '0171',
      '110',
      '8',
      '5',
    ]
    const digits = fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 6, maxLength: 9 })
    fc.assert(
      fc.property(
        fc.constantFrom(...callClasses),
        fc.subarray(['43', '41', '1']),
        fc.constantFrom(...starts),
        digits,
        (name, countries, start, rest) => {
          const number = start + rest
          // No country code begins with a zero.
          fc.pre(!/^([+]|00)0/.test(number))
          const policy = policyOf(name, countries)
          const expected = mayDial(policy, number, germany, false)
          expect([number, extensionFor(number, policy) !== undefined]).toEqual([number, expected])
        },
      ),
      { numRuns: 2_000 },
    )
  })

  test.each(['*97', '1001*', 'abc', '00', '+', '', '0043x', 'outside'])('lets nobody dial %j', (number) => {
    for (const name of callClasses) expect(extensionFor(number, policyOf(name))?.name).not.toBe('outside')
  })

  test('extensions are reached by everybody but who is blocked', () => {
    for (const name of callClasses)
      expect(extensionFor('1001', policyOf(name))?.name).toBe(name === 'blocked' ? undefined : 'inside')
  })

  test('reads the variables that the driver sends, and no others', () => {
    const sent = Object.keys(classVariables(policyOf('national'), options))
    const read = new Set([...sample.matchAll(/\$\{(\w+)\}/g)].map(([, name]) => name!))
    expect([...read].filter((name) => name !== 'accountcode' && !sent.includes(name))).toEqual([])
    const limits = sent.filter((name) => name.startsWith('ringfence_') && !name.includes('minutes'))
    for (const name of limits) expect(read, name).toContain(name)
  })

  test('holds the limits of calls on each way out, and ends what is beyond them', () => {
    for (const [name, extensions] of contexts()) {
      const outside = extensions.filter((one) => one.name === 'outside')
      expect(outside.length, name).toBe(name === 'ringfence-blocked' ? 0 : 1)
      for (const { actions } of outside) {
        expect(actions.map(({ application }) => application)).toEqual(['limit', 'limit', 'limit', 'bridge'])
        // limit <backend> <realm> <id> <max>[/interval] <where to> (mod_dptools.c): each counts under a name of its own.
        const data = actions.slice(0, 3).map((one) => one.data.split(' '))
        expect(data.map((words) => words.length)).toEqual([5, 5, 5])
        expect(new Set(data.map(([, realm]) => realm)).size).toBe(3)
        for (const words of data)
          expect([words[0], words[2], words[4]]).toEqual(['hash', variable('accountcode'), '!CALL_REJECTED'])
        expect(data.map(([, , , max]) => max?.split('/')[1])).toEqual([undefined, '3600', '86400'])
      }
    }
  })

  test('counts as in force for every policy without minutes, and not for one with them', () => {
    const loaded = new Map(
      callClasses.map((name) => [
        `ringfence-${name}`,
        new RegExp(`<context name="ringfence-${name}">[\\s\\S]*?</context>`).exec(sample)![0],
      ]),
    )
    for (const name of callClasses) {
      const policy = {
        ...policyOf(name, name === 'blocked' ? [] : ['43']),
        callsAtOnce: 2,
        callsPerHour: 9,
        callsPerDay: 20,
      }
      expect(policyInForce(policy, loaded, options)).toBe(policyText(policy))
      if (name === 'blocked') continue
      const limited = { ...policy, minutesPerDay: 60 }
      expect(policyInForce(limited, loaded, options)).not.toBe(policyText(limited))
    }
  })
})
