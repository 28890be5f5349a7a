/** What people may dial, and what dialled numbers mean. */
import type { Application } from '../journeys/application.ts'
import { employee, listOf } from './api-shapes.ts'
import { callsRequest, dialPlan, dialPlanRequest } from './calls-shapes.ts'
import { type Route, route, v1 } from './route.ts'

export function callsRoutes(application: Application): readonly Route[] {
  return [
    route(
      'put',
      `${v1}/employees/:id/calls`,
      'revoke',
      { summary: "Choose what an employee's extension may dial", body: callsRequest, answer: employee },
      ({ parameters, body, actor }) => application.calls.set(parameters.id, body.calls, actor),
    ),
    route(
      'get',
      `${v1}/dial-plans`,
      'read',
      { summary: 'What dialled numbers mean, for each site', answer: listOf(dialPlan) },
      async () => ({ items: await application.calls.dialPlans() }),
    ),
    route(
      'put',
      `${v1}/dial-plan`,
      'administer',
      { summary: 'Say what dialled numbers mean at a site', body: dialPlanRequest, answer: dialPlan },
      ({ body: { site, ...plan }, actor }) => application.calls.setDialPlan(site ?? null, plan, actor),
    ),
  ]
}
