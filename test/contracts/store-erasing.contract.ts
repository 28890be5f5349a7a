import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { neverSeen } from '../../src/domain/handset.ts'
import * as cast from './store-cast.ts'
import { at } from './store-cast.ts'
import type { StoreHand } from './store-hand.ts'

/** Forgetting a person, on every database. */
export function storeErasingContract({ store, write }: StoreHand): void {
  describe('erasing a person', () => {
    const said = {
      seenModel: 'SIP-T54W',
      seenFirmware: '96.86',
      seenMac: '805ec0000001',
      seenAt: at(5),
      blankedAt: at(6),
    }
    const erase = async (name: string, email: string) => {
      await write(async (tx) => {
        await cast.onboard(tx, 1, 2)
        await cast.offboard(tx, 1, 5)
        const leaverFile = JSON.stringify({ employee: { name, email }, reason: `${name} was too slow` })
        await tx.update('employee', 'e1', {
          name,
          email,
          lifecycle: 'offboarded',
          leaverFile,
          offboardReason: `${name} left`,
        })
        await tx.update('certificate', 'c1', { certificate: `CN=${name}` })
        for (const id of ['h1', 'h2']) await tx.update('handset', id, said)
        await tx.insert('verdict', [cast.verdict(1, { evidence: JSON.stringify({ summary: `account of ${name}` }) })])
        await tx.insert('doorFetch', [
          cast.doorFetch('1', { handsetId: 'h1' }),
          cast.doorFetch('2', { employeeId: 'e1' }),
          cast.doorFetch('3'),
        ])
        await tx.insert('servedFile', [
          { id: 'h1/a', handsetId: 'h1', fileName: 'a', contentHash: 'x', masked: 'packed', at: at(1) },
          { id: 'h2/a', handsetId: 'h2', fileName: 'a', contentHash: 'x', masked: 'packed', at: at(1) },
        ])
        const places = [
          ['handset', 'h1', `desk of ${name}`],
          ['handset', 'h2', 'desk 2'],
          ['site', 'h1', 'all desks'],
        ] as const
        await tx.insert(
          'phoneSetting',
          places.map(([layer, scope, value]) => {
            const id = `${layer}/${scope}/label`
            return { id, layer, scope, name: 'label', value, setAt: at(0), setBy: 'Ada' }
          }),
        )
        await tx.record(cast.event('ev1', { employeeId: 'e1', detail: { actor: 'Ada', name } }))
        await tx.record(cast.event('ev2', { kind: 'employee.imported', detail: { rows: [{ name, email }] } }))
        await tx.record(cast.event('ev3', { employeeId: 'e1', kind: 'employee.erased', detail: { actor: 'Ada' } }))
        await tx.record(cast.event('ev4', { employeeId: 'e2', detail: { actor: 'Ada', name: 'Person 2' } }))
        await tx.insert('importRun', [
          {
            id: 'i',
            createdAt: at(0),
            createdBy: 'Ada',
            total: 1,
            done: 1,
            finishedAt: null,
            state: JSON.stringify([{ name, email }]),
          },
        ])
        const payload = JSON.stringify({ text: `welcome ${name} <${email}>` })
        await tx.insert('outbox', [
          {
            id: '1',
            dedupeKey: 'k',
            kind: 'x',
            payload,
            createdAt: at(0),
            deliveredAt: null,
            attempts: 0,
            nextTryAt: at(0),
            lastProblem: `550 ${email} unknown`,
          },
        ])
      })
      await store().erasePerson('e1', new Date(at(60)))
    }

    test.each([
      ['a plain name', 'Grace Hopper', 'grace@example.com'],
      ['a name with quotes and signs', `O'Neill "Mick" (.*) \\ {{x}}`, `mick.o'neill+x@example.com`],
      ['a name in another script', '名前', 'namae@example.jp'],
    ])('%s is nowhere any more, and the chain still holds', async (_, name, email) => {
      await erase(name, email)
      const tables = [
        'employee',
        'certificate',
        'verdict',
        'doorFetch',
        'importRun',
        'outbox',
        'tombstone',
        'invite',
        'phoneSetting',
      ] as const
      const texts = await Promise.all(tables.map((table) => store().find(table, {})))
      const everything = JSON.stringify([texts, await store().auditTrail({ after: 0, limit: 100 })])
      const escaped = (text: string) => JSON.stringify(JSON.stringify(text)).slice(3, -3)
      for (const word of [name, email]) {
        expect(everything).not.toContain(word)
        expect(everything).not.toContain(JSON.stringify(word).slice(1, -1))
        expect(everything).not.toContain(escaped(word))
      }
      expect(await store().verifyAuditChain()).toBeNull()
      const trail = await store().auditTrail({ after: 0, limit: 100 })
      expect(trail.map((entry) => entry.detail === null)).toEqual([true, true, false, false])
      expect((await store().find('doorFetch', {})).map((row) => row.remoteAddress)).toEqual([
        'erased',
        'erased',
        '192.0.2.1',
      ])
      expect((await store().find('phoneSetting', {})).map(({ value }) => value)).toEqual(['desk 2', 'all desks'])
      // The doors stay watched, the other person stays whole.
      expect((await cast.ids(store(), 'tunnel')).closed).toEqual(['t1'])
      expect(await store().get('employee', 'e2')).toEqual(cast.employee(2))
      // What a leaver's phone said of itself goes; that it took its blanking document is proof and stays.
      expect(await store().get('handset', 'h1')).toMatchObject({ ...neverSeen, blankedAt: said.blankedAt })
      expect(await store().get('handset', 'h2')).toMatchObject(said)
      expect(await store().employeeBy('e1')).toMatchObject({ name: 'erased' })
      expect((await store().find('servedFile', {})).map(({ id }) => id)).toEqual(['h2/a'])
    })

    test('whatever the person was called, only that is forgotten: doors, proof and the people beside them stay', async () => {
      // Words that tombstones, leaver files and imports are made of.
      const words = [
        'Tunnel',
        'Null',
        'closed',
        'kind',
        'true',
        'default',
        '1001',
        'open',
        'summary',
        '{',
        '"',
        'a',
        '\\',
      ]
      const anyName = fc.string({ minLength: 1, maxLength: 8 }).filter((text) => text !== 'erased')
      let n = 100
      const forgets = async (name: string) => {
        n += 1
        const email = `person${n}@example.com`
        const line = {
          system: 'tunnel',
          subject: { kind: 'tunnel', id: `t${n}` },
          wanted: 'closed',
          verdict: 'converged',
        }
        const proof = {
          ...line,
          evidence: { summary: 'tunnel closed: 1001 is null', facts: { open: true, kind: null } },
        }
        const file = { version: 1, employee: { id: `e${n}`, name, email, extension: '1001' }, doors: [proof] }
        const others = { name, email: `other-${email}`, extension: '1001', handsets: [{ model: 'kind', mac: null }] }
        const state = (mine: object) => ({
          people: [{ ...mine, extension: '1001', handsets: [] }, others],
          outcomes: { 1001: { employeeId: `e${n}` } },
        })
        const run = { createdAt: at(0), createdBy: 'Ada', total: 2, done: 2, finishedAt: at(1) }
        const tombstones = await write(async (tx) => {
          await cast.onboard(tx, n)
          const shut = await cast.offboard(tx, n, 5)
          const left = { lifecycle: 'offboarded', leaverFile: JSON.stringify({ ...file, reason: name }) } as const
          await tx.update('employee', `e${n}`, { name, email, ...left })
          const seen = cast.verdict(n, {
            evidence: JSON.stringify({ summary: `of ${email}`, facts: proof.evidence.facts }),
          })
          await tx.insert('verdict', [seen])
          await tx.insert('importRun', [{ id: `i${n}`, ...run, state: JSON.stringify(state({ name, email })) }])
          return shut
        })
        await store().erasePerson(`e${n}`, new Date(at(60)))

        expect(await store().find('tombstone', { employeeId: `e${n}` })).toEqual(byId(tombstones))
        expect(await cast.ids(store(), 'tunnel')).toMatchObject({ closed: expect.arrayContaining([`t${n}`]) })
        const gone = { name: 'erased', email: 'erased' }
        const { leaverFile } = (await store().get('employee', `e${n}`))!
        expect(JSON.parse(leaverFile!)).toEqual({ ...file, employee: { ...file.employee, ...gone }, reason: null })
        const kept = (await store().get('importRun', `i${n}`))!.state
        expect(JSON.parse(kept)).toEqual(state(gone))
        const evidence = JSON.parse((await store().get('verdict', `tunnel/default/tunnel/t${n}`))!.evidence!)
        expect(evidence.facts).toEqual(proof.evidence.facts)
        expect(evidence.summary).not.toContain(email)
      }
      for (const word of words) await forgets(word)
      await fc.assert(fc.asyncProperty(anyName, forgets), { numRuns: 15 })
    })

    test('somebody who still has access is not erased', async () => {
      await write((tx) => cast.onboard(tx, 1))
      await expect(store().erasePerson('e1', new Date(at(60)))).rejects.toMatchObject({ code: 'CONFLICT' })
      await expect(store().erasePerson('nobody', new Date(at(60)))).rejects.toMatchObject({ code: 'NOT_FOUND' })
      expect(await store().get('employee', 'e1')).toEqual(cast.employee(1))
    })
  })
}

function byId<T extends { readonly id: string }>(rows: readonly T[]): T[] {
  return rows.toSorted((one, other) => (one.id < other.id ? -1 : 1))
}
