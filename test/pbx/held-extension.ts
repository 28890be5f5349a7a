import type { AssignmentSubject } from '../../src/domain/access.ts'
import { blockedPolicy } from '../../src/domain/call-policy.ts'
import { extensionAccess } from '../../src/pbx/extension-access.ts'
import type { PbxDriver } from '../../src/pbx/pbx-driver.ts'

/** Extension 1001, whose holder works here and may call within the country. */
export const held1001: AssignmentSubject = {
  kind: 'assignment',
  id: 'a1',
  employeeId: 'e1',
  wanted: 'open',
  generation: 1,
  pbxId: 'default',
  extension: '1001',
  policy: { ...blockedPolicy, class: 'national' },
  hasNextHolder: false,
  leaving: false,
}

/** The lines of extensions on this PBX, where nobody holds one and none was seen shut but for what `more` says. */
export function extensionLines(driver: PbxDriver, more: Partial<Parameters<typeof extensionAccess>[0]> = {}) {
  return extensionAccess({
    pbxId: 'default',
    driver,
    accountsOf: async () => [],
    heldNow: async () => new Set(),
    seenShut: async () => new Set(),
    subjects: async () => [],
    ...more,
  })
}
