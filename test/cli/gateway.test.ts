import { describe, expect, test } from 'vitest'
import type { AccessLine, EmployeeView, GatewayView, Onboarded } from '../../src/journeys/application.ts'
import { owner } from '../http/doors.ts'
import { commandLine } from './command-line.ts'

const { doors, run } = commandLine()
const plain = (text: string) => text.replace(/\u001b\[[0-9;]*m/g, '')

const ben = { id: '01939d2c-0000-7000-8000-0000000000be', name: 'Ben Li', extension: '1031' }
const idasGateway = (who: GatewayView['owner']): GatewayView => ({
  id: '01939d2c-0000-7000-8000-0000000000aa',
  kind: 'openwrt',
  subnets: ['10.78.0.0/28'],
  owner: who,
  lastHeardAt: '2026-11-22T14:00:00.000Z',
})

async function made(extension: string): Promise<Onboarded> {
  return doors().application.onboard(
    {
      name: 'Ida Nowak',
      email: `i${extension}@example.com`,
      extension,
      handsets: [{ model: 'yealink-t54w', mac: '805ec0112233' }],
    },
    owner,
  )
}
/** Her phone hangs on this gateway. */
function behind(view: EmployeeView, gateway: GatewayView): EmployeeView {
  const tunnels = view.tunnels.map((tunnel) => ({
    ...tunnel,
    keyOrigin: 'device',
    carrier: { kind: 'gateway' as const, id: gateway.id },
  }))
  const handsets = view.handsets.map((handset) => ({ ...handset, phoneAddress: '10.78.0.2' }))
  return { ...view, tunnels, handsets, gateways: [gateway] }
}
async function instead<T>(deeds: object, work: () => Promise<T>): Promise<T> {
  const application = doors().application
  const before = { ...application }
  Object.assign(application, deeds)
  try {
    return await work()
  } finally {
    Object.assign(application, before)
  }
}

describe('the home gateway of a phone', () => {
  test('is named when the phone is handed out, with what its router must learn', async () => {
    const { employee, ...rest } = await made('1030')
    const view = behind(employee, idasGateway(ben))
    const { code, out } = await instead({ onboard: async () => ({ employee: view, ...rest }) }, () =>
      run([
        'onboard',
        '--name',
        'x',
        '--email',
        'x@y.z',
        '--extension',
        '1030',
        '--handset',
        'x',
        '--gateway-of',
        '1031',
      ]),
    )
    expect(code).toBe(0)
    expect(out).toContain('yealink-t54w 805ec0112233 on the openwrt gateway 10.78.0.0/28 of Ben Li (1031)\n')
    expect(out).toMatch(/next {2}its router must learn of this phone.*\n +805ec0112233 -> 10\.78\.0\.2\n/)
    expect(out).toContain('`ringfence invite 1031`')
  })

  test('is named with a note when nobody chose its kind, and without one when somebody did', async () => {
    const { employee, ...rest } = await made('1032')
    const own = { ...idasGateway({ id: employee.id, name: 'Ida Nowak', extension: '1032' }), kind: 'plain' }
    const words = ['onboard', '--name', 'x', '--email', 'x@y.z', '--extension', '1032', '--handset', 'x']
    const deeds = { onboard: async () => ({ employee: behind(employee, own), ...rest }) }
    const silent = await instead(deeds, () => run(words))
    expect(silent.out).toContain('on the plain gateway 10.78.0.0/28\n')
    expect(silent.out).toContain('nobody named a kind with --gateway, so it is a plain one')
    expect(silent.out).not.toContain('must learn')
    expect((await instead(deeds, () => run([...words, '--gateway', 'plain']))).out).not.toContain('nobody named')
  })

  test('tells with one phone more of a gateway that is there what its router must learn', async () => {
    const { employee, ...rest } = await made('1033')
    const own = idasGateway({ id: employee.id, name: 'Ida Nowak', extension: '1033' })
    const before = behind(employee, own)
    const after = {
      ...before,
      handsets: [...before.handsets, { ...before.handsets[0]!, id: 'new', mac: '805ec0112244' }],
    }
    const { out } = await instead(
      { employee: async () => before, addHandset: async () => ({ employee: after, ...rest }) },
      () => run(['handset', 'add', '1033', 'yealink-t54w=805ec0112244']),
    )
    expect(out).toContain('805ec0112244 -> 10.78.0.2\n')
    expect(out).not.toContain('805ec0112233 ->')
  })

  test('stands under the phone in `show`: kind, network, whose, and when it was last heard', async () => {
    const { employee } = await made('1034')
    const shown = await instead({ employee: async () => behind(employee, idasGateway(ben)) }, () =>
      run(['show', '1034']),
    )
    expect(shown.out).toContain(
      '    behind the openwrt gateway 10.78.0.0/28 of Ben Li (1031), last heard 2026-11-22 14:00:00 UTC\n',
    )
  })

  test('that stays for others is named by `offboard`, with whose it is from now on', async () => {
    const { employee } = await made('1035')
    const own = idasGateway({ id: employee.id, name: 'Ida Nowak', extension: '1035' })
    const before = behind(employee, own)
    const after: EmployeeView = {
      ...before,
      lifecycle: 'offboarding',
      handsets: before.handsets.map((handset) => ({ ...handset, removedAt: '2026-11-22T14:00:00.000Z' })),
      tunnels: [],
      gateways: [idasGateway(ben)],
      access: before.access.map((one) => ({ ...one, wanted: 'closed', verdict: 'unverifiable' })),
    }
    const { out } = await instead({ employee: async () => before, settled: async () => after }, () =>
      run(['offboard', '1035', '--wait', '1']),
    )
    expect(out).toContain('! stays  the openwrt gateway 10.78.0.0/28, for other phones;\n')
    expect(out).toContain('it is that of Ben Li (1031) from now on\n')
    expect(out).toContain('ringfence invite 1031')
  })
})

const line = (change: Partial<AccessLine>): AccessLine => ({
  system: 'tunnel',
  instance: 'default',
  subject: { kind: 'tunnel', id: '01939d2c-0000-7000-8000-000000000077', name: 'yealink-t54w …2233' },
  wanted: 'open',
  verdict: 'converged',
  evidence: { summary: 'peer present on ringfence0 with 10.77.0.2/32, 10.78.0.0/28', facts: {} },
  problem: null,
  hint: null,
  nextTryAt: null,
  at: '2026-11-22T14:00:00.000Z',
  acknowledged: null,
  ...change,
})

describe('doors of a person', () => {
  const shut = { wanted: 'closed', evidence: { summary: 'peer absent from ringfence0 on re-read', facts: {} } } as const
  const access = [
    line({}),
    line({ ...shut, subject: { kind: 'tunnel', id: 'a#1', name: 'yealink-t54w …2233, earlier key' } }),
    line({ ...shut, subject: { kind: 'tunnel', id: 'b#1' } }),
    line({ ...shut, verdict: 'retrying', problem: 'peer still present', subject: { kind: 'tunnel', id: 'xxabcdef' } }),
    line({
      system: 'sip-account',
      verdict: 'waiting',
      problem:
        'On the PBX, create extension 1001 or change it: login name (authentication ID) 1001, the SIP password that `ringfence secret 1001` shows (generation 1), realm asterisk, TLS and encrypted media (SRTP).',
      hint: 'do it, then tick it',
    }),
  ]

  test('are called by their phone, and earlier ones that were seen shut are folded while the person is here', async () => {
    const { employee } = await made('1036')
    const deeds = { employee: async () => ({ ...employee, access }), employees: async () => [{ ...employee, access }] }
    const { out } = await instead(deeds, () => run(['show', '1036']))
    expect(out).toContain('tunnel of yealink-t54w …2233 ')
    // What is not known by a name keeps its id, and what was not seen shut is never folded.
    expect(out).toContain('tunnel abcdef')
    expect(out).toContain('  2 earlier doors (keys, certificates, links), all shut (--all shows them)\n')
    expect(out).not.toContain('earlier key ')
    expect((await instead(deeds, () => run(['show', '1036', '--all']))).out).toContain(
      'yealink-t54w …2233, earlier key',
    )
    expect((await instead(deeds, () => run(['list']))).out).toContain('3 doors: 1 open, 1 retrying, 1 waiting')
  })

  test('and everything else of `show` and `report` fit into 80 columns', async () => {
    const { employee } = await made('1037')
    const seen = { model: 'SIP-T54W', firmware: '96.86.0.100', mac: '805ec0112233', at: '2026-11-22T14:00:00.000Z' }
    const view = behind(employee, idasGateway(ben))
    const handsets = view.handsets.map((handset) => ({
      ...handset,
      seen,
      status: 'access revoked; tombstone fetched at 2026-11-29T03:20:28.000Z',
      warnings: ['it says that it is a SIP-T46G with the MAC address 805ec0ffffff, not a SIP-T54W'],
    }))
    const acknowledged = { by: 'Mia', at: '2026-11-22T14:00:00.000Z' }
    const doorsOfALeaver = access.map((one) => ({ ...one, wanted: 'closed' as const, acknowledged }))
    const leaver = { ...view, handsets, lifecycle: 'offboarding' as const, offboardRequestedAt: seen.at, access }
    const report = {
      ...{ version: 1, complete: true, requestedAt: seen.at, requestedBy: 'Mia', completedAt: seen.at, durationMs: 1 },
      employee,
      reason: 'end of contract, and whatever else HR wants to have written down in a place like this one',
      doors: doorsOfALeaver,
      handsets: [{ model: 'yealink-t54w', mac: '805ec0112233', certificateSerials: ['5d'.repeat(20)] }],
      addenda: [{ at: seen.at, kind: 'access.drift', summary: 'peer was there again on ringfence0; now converged' }],
      auditHead: { position: 12, hash: 'ab'.repeat(32) },
    }
    await instead({ employee: async () => leaver, report: async () => report }, async () => {
      for (const words of [
        ['show', '1037', '--all'],
        ['report', '1037'],
      ]) {
        const { out } = await run(words, { terminal: true, width: 80 })
        expect(plain(out)).toContain('2026-11-22 14:00')
        expect(
          plain(out)
            .split('\n')
            .filter((text) => text.length > 80),
        ).toEqual([])
      }
    })
  })
})
