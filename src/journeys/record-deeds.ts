import { auditPage } from './audit-page.ts'
import type { JourneyContext } from './context.ts'
import { hubView } from './hub-page.ts'
import type { HubWatch } from './hub-watch.ts'
import { installation } from './installation.ts'
import type { RecordDeeds } from './records-view.ts'

export function recordDeeds(context: JourneyContext, watch: HubWatch): RecordDeeds {
  const { store } = context
  return {
    audit: (query) => auditPage(context, query),
    verifyAudit: async () => ({ brokenAt: await store.verifyAuditChain(), length: await store.auditLength() }),
    hub: (query) => hubView(context, watch, query),
    installation: () => installation(context),
  }
}
