import { phoneSettingLayers } from '../domain/phone-setting.ts'
import type { Application } from '../journeys/application.ts'
import { listOf, phoneSettingRequest } from './api-shapes.ts'
import { dryRunQuery, effectiveSetting, phoneSetting, phoneSettingChange } from './file-shapes.ts'
import { type Route, route, v1 } from './route.ts'

/** What admins set for phones' files. */
export function phoneSettingRoutes(application: Application): readonly Route[] {
  return [
    route(
      'get',
      `${v1}/phone-settings`,
      'read',
      { summary: "Everything set for phones' files, in all layers", answer: listOf(phoneSetting) },
      async () => ({ items: await application.phoneSettings() }),
    ),
    route(
      'get',
      `${v1}/handsets/:id/settings`,
      'read',
      { summary: 'What holds for one handset, and what it won over', answer: listOf(effectiveSetting) },
      async ({ parameters }) => ({ items: await application.handsetSettings(parameters.id) }),
    ),
    ...phoneSettingLayers.flatMap((layer) => {
      // What holds for many phones takes more than what holds for one.
      const authority = layer === 'handset' ? 'revoke' : 'administer'
      const path = `${v1}/phone-settings/${layer}/:scope/:name` as const
      return [
        route(
          'put',
          path,
          authority,
          {
            summary: `Set a value for the files of a ${layer}, and tell the phones whose files it changes`,
            body: phoneSettingRequest,
            query: dryRunQuery,
            answer: phoneSettingChange,
          },
          ({ parameters: { scope, name }, body, query, actor }) =>
            application.setPhoneSetting({ layer, scope, name }, body.value, { dryRun: query.dryRun === 'true' }, actor),
        ),
        route(
          'delete',
          path,
          authority,
          { summary: `Take a value of a ${layer} away again`, query: dryRunQuery, answer: phoneSettingChange },
          ({ parameters: { scope, name }, query, actor }) =>
            application.unsetPhoneSetting({ layer, scope, name }, { dryRun: query.dryRun === 'true' }, actor),
        ),
      ]
    }),
  ]
}
