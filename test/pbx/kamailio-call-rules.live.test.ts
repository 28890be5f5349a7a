import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { blockedPolicy, type CallPolicy, type DialPlan, policyText } from '../../src/domain/call-policy.ts'
import { kindOf, mayDial } from '../../src/domain/dialled-number.ts'
import { kamailioCallRules } from '../../src/pbx/kamailio/kamailio-call-rules.ts'
import { planText } from '../../src/pbx/kamailio/kamailio-dial-plan.ts'
import { denmark, dialledNumbers, germany, unitedStates } from '../fixtures/dialled-numbers.ts'
import { freeTcpPorts, type KamailioLab, kamailioLab } from '../lab/kamailio.ts'
import { describeLive } from '../setup/requirements.ts'

/** A Kamailio that does nothing but answer what its script makes of a number under a plan. */
async function startRuling() {
  const [port] = await freeTcpPorts('127.0.0.1', 1)
  const lab = kamailioLab({ address: '127.0.0.1', ports: [port!] })
  writeFileSync(
    join(lab.folder, 'kamailio.cfg'),
    `#!KAMAILIO
children=1
log_stderror=yes
tcp_accept_no_cl=yes
listen=tcp:127.0.0.1:${port}
${['tm', 'sl', 'pv', 'xlog', 'kex', 'xhttp'].map((name) => `loadmodule "${name}.so"`).join('\n')}
request_route { exit; }
event_route[xhttp:request] {
	$var(rf_plan) = $hdr(X-Plan);
	$var(rf_dialled) = $hdr(X-Dialled);
	$var(rf_internal) = $(hdr(X-Internal){s.int});
	$var(rf_policy) = $hdr(X-Policy);
	route(RINGFENCE_CLASSIFY);
	if (route(RINGFENCE_MAY_DIAL)) $var(may) = "may"; else $var(may) = "may not";
	xhttp_reply("200", "OK", "text/plain", "$var(rf_kind) $var(rf_country)/$var(may)");
}
${kamailioCallRules}`,
  )
  expect(lab.refusal()).toBe(null)
  await lab.start()
  const ask = async (plan: DialPlan | string, dialled: string, { internal = false, policy = 'none' } = {}) => {
    const headers = {
      'X-Plan': typeof plan === 'string' ? plan : planText(plan),
      'X-Dialled': dialled,
      'X-Internal': internal ? '1' : '0',
      'X-Policy': policy,
    }
    const answer = await fetch(`http://127.0.0.1:${port}/`, { headers, signal: AbortSignal.timeout(5000) })
    const [what, may] = (await answer.text()).split('/')
    return { what: what!.trim(), may: may === 'may' }
  }
  return { lab, ask }
}

describeLive('call classes in a Kamailio script', ['kamailio'], () => {
  let lab: KamailioLab | undefined
  let ask: Awaited<ReturnType<typeof startRuling>>['ask']
  beforeAll(async () => {
    ;({ lab, ask } = await startRuling())
  })
  afterAll(async () => {
    await lab?.stop()
  })

  describe.each(dialledNumbers)('in %s', (_where, plan, numbers) => {
    test.each(Object.entries(numbers))('%s is %s', async (dialled, what) => {
      expect((await ask(plan, dialled)).what).toBe(what)
    })
  })

  test.each([
    ['blocked', { internal: false, local: false, national: false, abroad: false }],
    ['internal', { internal: true, local: false, national: false, abroad: false }],
    ['local', { internal: true, local: true, national: false, abroad: false }],
    ['national', { internal: true, local: true, national: true, abroad: false }],
    ['international', { internal: true, local: true, national: true, abroad: true }],
  ] as const)('class %s allows what it says, and emergency numbers always', async (name, allowed) => {
    const policy = policyText({ ...blockedPolicy, class: name })
    const may = async (dialled: string, internal = false) => (await ask(germany, dialled, { internal, policy })).may
    expect({
      internal: await may('1001', true),
      local: await may('5551234'),
      national: await may('0895551234'),
      abroad: await may('004312345'),
    }).toEqual(allowed)
    expect(await may('112')).toBe(true)
    expect(await may('nobody')).toBe(false)
  })

  test('countries are allowed beyond the class, each by its whole code, and not to a blocked extension', async () => {
    const may = async (dialled: string, policy: CallPolicy) =>
      (await ask(germany, dialled, { policy: policyText(policy) })).may
    const local = { ...blockedPolicy, class: 'local', countries: ['1', '372', '43'], callsAtOnce: 44 } as const
    for (const dialled of ['004312345', '+37212345', '+12125551234']) expect(await may(dialled, local)).toBe(true)
    for (const dialled of ['+4412345', '+37312345', '+4112345', '+77012345', '0895551234'])
      expect(await may(dialled, local)).toBe(false)
    expect(await may('004312345', { ...local, class: 'blocked' })).toBe(false)
  })

  test('a policy that is not understood allows emergency numbers and nothing else', async () => {
    for (const policy of ['', 'natio', 'national2', 'x countries=43', '.*']) {
      expect((await ask(germany, '0895551234', { policy })).may).toBe(false)
      expect((await ask(germany, '004312345', { policy })).may).toBe(false)
      expect((await ask(germany, '112', { policy })).may).toBe(true)
    }
  })

  test('says of every number under every plan what Ringfence itself says of it', async () => {
    const digits = (shortest: number, longest: number) =>
      fc.stringMatching(new RegExp(`^[0-9]{${shortest},${longest}}$`))
    const plans = fc.record({
      countryCode: fc.constantFrom('49', '1', '34', '372'),
      outsideLine: fc.constantFrom('', '0', '9', '99'),
      internationalPrefix: fc.constantFrom('00', '011', '0', '810'),
      nationalPrefix: fc.constantFrom('', '0', '1', '8', '000'),
      areaCode: fc.constantFrom(null, '30', '212', '9'),
      emergencyNumbers: fc.constantFrom(['112'], ['110', '112'], ['911', '9911', '000']),
    })
    const numbers = fc
      .tuple(
        fc.constantFrom('', '+', '0', '00', '9', '99', '011', '0011', '900', '49', '372', '112', '30'),
        digits(0, 8),
      )
      .map(([start, rest]) => `${start}${rest}`)
    const policy = { ...blockedPolicy, class: 'local', countries: ['43', '7'] } as const
    // The outside line alone, which had counted as a number of the town.
    const behindZero = { ...unitedStates, outsideLine: '0', internationalPrefix: '00', nationalPrefix: '' }
    await fc.assert(
      fc.asyncProperty(
        plans.filter(({ nationalPrefix, internationalPrefix }) => nationalPrefix !== internationalPrefix),
        numbers.filter((number) => number !== ''),
        fc.boolean(),
        async (plan, dialled, internal) => {
          const { what, may } = await ask(plan, dialled, { internal, policy: policyText(policy) })
          expect(what.split(' ')[0]).toBe(kindOf(dialled, plan, internal))
          expect(may).toBe(mayDial(policy, dialled, plan, internal))
        },
      ),
      { numRuns: 400, examples: [[behindZero, '0', false]] },
    )
  })

  test('without a plan that can be used, whoever has a policy may dial what could be an emergency number, and no more', async () => {
    for (const plan of [
      '',
      '49',
      '49|00|0|30|',
      '49|00|0|30||',
      'x|00|0|30||112',
      '49|00|0|30||112|',
      '49|00|0|30||,',
    ]) {
      for (const policy of ['blocked', 'local', 'international', 'none', 'odd']) {
        for (const dialled of ['112', '0112', '99911', '9999000000'])
          expect((await ask(plan, dialled, { policy })).may).toBe(true)
        for (const dialled of ['+43123', '00431234567', '03012345678', '1', 'x', '*97'])
          expect((await ask(plan, dialled, { policy })).may).toBe(policy === 'none')
      }
    }
  })
})

test('an odd dial plan is refused before Kamailio is told', () => {
  expect(planText(germany)).toBe('49|00|0|30||110,112')
  expect(planText({ ...denmark, outsideLine: '9' })).toBe('45|00|||9|112')
  for (const odd of [
    { countryCode: '49"' },
    { countryCode: '' },
    { outsideLine: '|' },
    { internationalPrefix: '' },
    { nationalPrefix: '$' },
    { areaCode: '' },
    { emergencyNumbers: [] },
    { emergencyNumbers: ['112', '.*'] },
  ])
    expect(() => planText({ ...germany, ...odd })).toThrow(/cannot be used/)
})
