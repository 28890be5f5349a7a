import { describe, expect, test } from 'vitest'
import type { HandsetView } from '../../src/journeys/application.ts'
import { owner } from '../http/doors.ts'
import { commandLine } from './command-line.ts'

const { doors, run } = commandLine()

async function phone(extension: string) {
  const { employee } = await doors().application.onboard(
    {
      name: 'Ada Example',
      email: `a${extension}@example.com`,
      extension,
      handsets: [{ model: 'yealink-t54w', mac: '805ec0112233' }],
    },
    owner,
  )
  return { employee, id: employee.handsets[0]!.id }
}

describe('looking after one handset', () => {
  test('a phone that was told ends with 0, one that was not with 3 and the reason', async () => {
    const { id } = await phone('5001')
    const told = await run(['handset', 'resync', id])
    expect([told.code, told.out]).toEqual([
      0,
      '✓ told  the PBX sent it check-sync; its next fetch shows whether it obeyed\n',
    ])
    const { resyncing } = doors().application
    doors().application.resyncing = { outcome: 'not-registered', words: 'it is not registered at the PBX now' }
    const silent = await run(['handset', 'resync', id])
    expect([silent.code, silent.out]).toEqual([3, '! not-registered  it is not registered at the PBX now\n'])
    const json = await run(['handset', 'resync', id, '--json'])
    expect(JSON.parse(json.out)).toEqual({ handsetId: id, ...doors().application.resyncing })
    doors().application.resyncing = resyncing
  })

  test("the phone's own passwords are shown to who asks for them", async () => {
    const { id } = await phone('5002')
    const { code, out } = await run(['handset', 'passwords', id])
    expect([code, out]).toEqual([
      0,
      'of the phone  password\nadmin         an-admin-password-of-the-tests\nuser          (not set by its file)\n',
    ])
    expect(doors().application.deeds.at(-1)!.deed).toBe('showPhonePasswords')
  })

  test('blanking one shows its doors and how the phone comes to its document', async () => {
    const { id } = await phone('5003')
    const { code, out } = await run(['handset', 'blank', id])
    expect(code).toBe(0)
    expect(out).toContain('\nit is blanked at its next fetch\n')
    expect(out).toContain('verdict')
    expect((await run(['handset', 'blank', 'nonsense'])).code).toBe(4)
  })

  test('show tells where a handset stands, what it says of itself and what does not fit, harmlessly', async () => {
    const { employee } = await phone('5004')
    const changes: Partial<HandsetView> = {
      status: 'access revoked; tombstone not fetched yet',
      seen: {
        model: 'SIP-T54W\u001b[2J',
        firmware: '96.86.0.100',
        mac: '805ec0112233',
        at: '2026-11-22T14:00:00.000Z',
      },
      warnings: ['it says that it is a SIP-T46G, not a SIP-T54W'],
    }
    const before = doors().application.employee
    const handsets = employee.handsets.map((handset) => ({ ...handset, ...changes }))
    Object.assign(doors().application, { employee: async () => ({ ...employee, handsets }) })
    const { out } = await run(['show', '5004'])
    Object.assign(doors().application, { employee: before })
    expect(out).toMatch(
      / {2}yealink-t54w {2}805ec0112233 .*\n {4}id \S+\n {4}access revoked; tombstone not fetched yet\n/,
    )
    expect(out).toContain(
      '    says of itself: SIP-T54W\ufffd[2J, firmware 96.86.0.100, MAC 805ec0112233 (2026-11-22 14:00:00 UTC)\n',
    )
    expect(out).toContain('    ! look: it says that it is a SIP-T46G, not a SIP-T54W\n')
    expect(out).not.toContain('wiped')
  })
})
