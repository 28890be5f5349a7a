import { AppError } from '../../src/errors.ts'
import type { EmployeeView, Onboarded } from '../../src/journeys/application.ts'
import type { HandOverDeeds } from '../../src/journeys/sheet-view.ts'

/** References are good for ever and say whose they are; what a form says is always right. */
export function fakeHandOver(
  person: (id: string) => EmployeeView | undefined,
  onboarded: (view: EmployeeView) => Onboarded,
): HandOverDeeds {
  return {
    check: async () => ({ problems: [], warnings: [] }),
    reference: ({ employee }) => `sealed-${employee.id}`,
    async open(who, reference) {
      const view = person(who)
      if (!view || reference !== `sealed-${view.id}`)
        throw new AppError('NOT_FOUND', 'this link cannot be shown any more', { hint: 'make a new one' })
      const { employee, invite, provisioningUrls } = onboarded(view)
      return {
        employee,
        warnings: [],
        employeeId: employee.id,
        name: employee.name,
        extension: employee.extension,
        inviteUrl: invite.url,
        expiresAt: invite.expiresAt,
        language: 'en',
        gateways: [],
        handsets: employee.handsets.map(({ id, model, mac }) => ({
          id,
          modelName: model,
          kind: mac === null ? ('softphone' as const) : ('desk-phone' as const),
          mac,
          provisioningUrl: provisioningUrls[id] ?? null,
          typing: null,
          notes: [],
          emergencyNote: null,
          behindGateway: mac !== null,
        })),
      }
    },
    ofImport: async () => ({ sheets: [], total: 0, stale: 0 }),
  }
}
