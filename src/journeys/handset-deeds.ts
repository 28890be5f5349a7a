import { blankHandset } from './blank-handset.ts'
import type { JourneyContext } from './context.ts'
import { diagnose } from './diagnose.ts'
import { handsetChoices, handsetDetail, handsetModels, handsetPage, ledgerPage, matchingHandsets } from './handsets.ts'
import type { HandsetDeeds } from './handsets-view.ts'
import type { HubWatch } from './hub-watch.ts'
import { replaceHandset } from './replace-handset.ts'

export function handsetDeeds(context: JourneyContext, watch: HubWatch): HandsetDeeds {
  return {
    page: (query) => handsetPage(context, query),
    matching: (query) => matchingHandsets(context, query),
    choices: () => handsetChoices(context),
    models: (query) => handsetModels(context, query),
    one: (handsetId) => handsetDetail(context, watch, handsetId),
    why: (handsetId) => diagnose(context, watch, handsetId),
    replace: (handsetId, mac, actor) => replaceHandset(context, handsetId, mac, actor),
    takeBack: (handsetId, reason, actor) => blankHandset(context, handsetId, actor, reason),
    async resyncAll(handsetIds, actor) {
      context.tellPhones(handsetIds, actor)
      return handsetIds.length
    },
    ledger: (query) => ledgerPage(context, query),
  }
}
