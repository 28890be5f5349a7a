import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { blockedPolicy, type CallPolicy, type DialPlan, policyText } from '../../src/domain/call-policy.ts'
import { kamailioCallRules } from '../../src/pbx/kamailio-call-rules.ts'
import { dialledNumbers, germany } from '../fixtures/dialled-numbers.ts'
import { freeTcpPorts, type KamailioLab, kamailioLab } from '../lab/kamailio.ts'
import { describeLive } from '../setup/requirements.ts'

/** A Kamailio that does nothing but answer what its script makes of a number. */
async function ruling(plan: DialPlan) {
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
	$var(rf_dialled) = $hdr(X-Dialled);
	$var(rf_internal) = $(hdr(X-Internal){s.int});
	$var(rf_policy) = $hdr(X-Policy);
	route(RINGFENCE_CLASSIFY);
	if (route(RINGFENCE_MAY_DIAL)) $var(may) = "may"; else $var(may) = "may not";
	xhttp_reply("200", "OK", "text/plain", "$var(rf_kind) $var(rf_country)/$var(may)");
}
${kamailioCallRules(plan)}`,
  )
  expect(lab.refusal()).toBe(null)
  await lab.start()
  const ask = async (dialled: string, { internal = false, policy = 'none' } = {}) => {
    const headers = { 'X-Dialled': dialled, 'X-Internal': internal ? '1' : '0', 'X-Policy': policy }
    const answer = await fetch(`http://127.0.0.1:${port}/`, { headers, signal: AbortSignal.timeout(5000) })
    const [what, may] = (await answer.text()).split('/')
    return { what: what!.trim(), may: may === 'may' }
  }
  return { lab, ask }
}

describeLive('call classes in a Kamailio script', ['kamailio'], () => {
  const labs: KamailioLab[] = []
  const of = new Map<DialPlan, Awaited<ReturnType<typeof ruling>>['ask']>()
  beforeAll(async () => {
    for (const [, plan] of dialledNumbers) {
      const { lab, ask } = await ruling(plan)
      labs.push(lab)
      of.set(plan, ask)
    }
  })
  afterAll(async () => {
    for (const lab of labs) await lab.stop()
  })

  describe.each(dialledNumbers)('in %s', (_where, plan, numbers) => {
    test.each(Object.entries(numbers))('%s is %s', async (dialled, what) => {
      expect((await of.get(plan)!(dialled)).what).toBe(what)
    })
  })

  test.each([
    ['blocked', { internal: false, local: false, national: false, abroad: false }],
    ['internal', { internal: true, local: false, national: false, abroad: false }],
    ['local', { internal: true, local: true, national: false, abroad: false }],
    ['national', { internal: true, local: true, national: true, abroad: false }],
    ['international', { internal: true, local: true, national: true, abroad: true }],
  ] as const)('class %s allows what it says, and emergency numbers always', async (name, allowed) => {
    const ask = of.get(germany)!
    const policy = policyText({ ...blockedPolicy, class: name })
    const may = async (dialled: string, internal = false) => (await ask(dialled, { internal, policy })).may
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
    const ask = of.get(germany)!
    const may = async (dialled: string, policy: CallPolicy) => (await ask(dialled, { policy: policyText(policy) })).may
    const local = { ...blockedPolicy, class: 'local', countries: ['1', '372', '43'], callsAtOnce: 44 } as const
    for (const dialled of ['004312345', '+37212345', '+12125551234']) expect(await may(dialled, local)).toBe(true)
    for (const dialled of ['+4412345', '+37312345', '+4112345', '+77012345', '0895551234'])
      expect(await may(dialled, local)).toBe(false)
    expect(await may('004312345', { ...local, class: 'blocked' })).toBe(false)
  })

  test('a policy that is not understood allows emergency numbers and nothing else', async () => {
    const ask = of.get(germany)!
    for (const policy of ['', 'natio', 'national2', 'x countries=43', '.*']) {
      expect((await ask('0895551234', { policy })).may).toBe(false)
      expect((await ask('004312345', { policy })).may).toBe(false)
      expect((await ask('112', { policy })).may).toBe(true)
    }
  })

  test('an odd dial plan is refused before it becomes a script', () => {
    for (const odd of [
      { countryCode: '49"' },
      { countryCode: '' },
      { outsideLine: '0)' },
      { internationalPrefix: '' },
      { nationalPrefix: '$' },
      { areaCode: '' },
      { emergencyNumbers: [] },
      { emergencyNumbers: ['112', '.*'] },
    ])
      expect(() => kamailioCallRules({ ...germany, ...odd })).toThrow(/cannot be used/)
  })
})
