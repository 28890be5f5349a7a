import { wordsMark } from '../domain/condition.ts'
import { AppError } from '../errors.ts'
import type { Application, Onboarded } from '../journeys/application.ts'
import { administratorRoutes } from './administrator-routes.ts'
import {
  accessLine,
  acknowledgeRequest,
  created,
  doctorReport,
  employee,
  employeesQuery,
  emptyRequest,
  erased,
  gatewayKeyRequest,
  handsetRequest,
  inviteRequest,
  leaverFile,
  listOf,
  mobileconfigQuery,
  model,
  offboardRequest,
  onboardRequest,
  sipSecret,
} from './api-shapes.ts'
import { auditRoutes } from './audit-routes.ts'
import { callsRoutes } from './calls-routes.ts'
import { handsetRoutes } from './handset-routes.ts'
import { importRoutes } from './import-routes.ts'
import { mailRoutes } from './mail-routes.ts'
import { pbxRoutes } from './pbx-routes.ts'
import { peopleRoutes } from './people-routes.ts'
import { phoneSettingRoutes } from './phone-setting-routes.ts'
import { type Route, route, v1 } from './route.ts'
import { templateRoutes } from './template-routes.ts'
import { tokenRoutes } from './token-routes.ts'

const creation = { answer: created, status: 201 } as const

/** Everything under /api/v1 but its description and the event stream. */
export function apiRoutes(application: Application): readonly Route[] {
  return [
    route(
      'get',
      `${v1}/models`,
      'read',
      { summary: 'Models that can be handed out', answer: listOf(model) },
      async () => ({
        items: application.models(),
      }),
    ),

    route(
      'post',
      `${v1}/employees`,
      'onboard',
      { summary: 'Onboard an employee', body: onboardRequest, ...creation },
      async ({ body, actor, response }) => {
        const onboarded = await application.onboard(body, actor)
        response.location(`${v1}/employees/${onboarded.employee.id}`)
        return creationBody(onboarded)
      },
    ),
    route(
      'get',
      `${v1}/employees`,
      'read',
      { summary: 'All employees', query: employeesQuery, answer: listOf(employee) },
      async ({ query }) => ({
        items: await application.employees(query.lifecycle === undefined ? {} : { lifecycle: query.lifecycle }),
      }),
    ),
    route(
      'get',
      `${v1}/employees/:id`,
      'read',
      { summary: 'One employee, by id, e-mail or extension', answer: employee },
      ({ parameters }) => application.employee(who(parameters.id)),
    ),
    route(
      'delete',
      `${v1}/employees/:id`,
      'administer',
      { summary: 'Erase the personal data of a leaver', answer: erased },
      async ({ parameters: { id }, actor }) => {
        await application.erase(id, actor)
        return { id, erased: true } as const
      },
    ),

    route(
      'post',
      `${v1}/employees/:id/handsets`,
      'onboard',
      { summary: 'Give one more handset', body: handsetRequest, ...creation },
      async ({ parameters, body, actor }) => creationBody(await application.addHandset(parameters.id, body, actor)),
    ),
    route(
      'get',
      `${v1}/tunnels/:id/mobileconfig`,
      'revoke',
      {
        summary: "A handset's tunnel as a profile for managed Apple devices, with its private key; recorded",
        query: mobileconfigQuery,
        answer: 'application/x-apple-aspen-config',
      },
      async ({ parameters, query, actor, response }) => {
        const profile = await application.managedProfile(parameters.id, query.platform, actor)
        response
          .set({ 'Cache-Control': 'no-store', 'Content-Disposition': `attachment; filename="${profile.fileName}"` })
          .type('application/x-apple-aspen-config')
          .send(profile.text.reveal())
      },
    ),
    route(
      'post',
      `${v1}/employees/:id/invites`,
      'onboard',
      { summary: 'A new link in place of the old one', body: inviteRequest, ...creation },
      async ({ parameters: { id }, body, actor }) =>
        creationBody(
          await (body?.mail === undefined
            ? application.invite(id, actor)
            : application.mails.sendNewLink(id, body.mail, actor)),
        ),
    ),

    route(
      'post',
      `${v1}/employees/:id/gateway-key`,
      'onboard',
      {
        summary: 'The public key that the router of a home gateway made, where it could not tell it itself',
        body: gatewayKeyRequest,
        answer: employee,
      },
      ({ parameters, body, actor }) => application.setGatewayKey(parameters.id, body.publicKey, actor),
    ),

    route(
      'get',
      `${v1}/employees/:id/access`,
      'read',
      { summary: 'A verdict for every door', answer: listOf(accessLine), waits: true },
      async ({ parameters, waitSeconds, signal }) => ({
        items: (
          await (waitSeconds > 0
            ? application.settled(parameters.id, waitSeconds * 1_000, signal)
            : application.employee(who(parameters.id)))
        ).access,
      }),
    ),
    route(
      'post',
      `${v1}/employees/:id/access/:system/acknowledge`,
      'revoke',
      { summary: 'Tick waiting and unverifiable lines of a system', body: acknowledgeRequest, answer: employee },
      ({ parameters, body, actor }) =>
        application.acknowledge(
          parameters.id,
          parameters.system,
          body?.subjectId ?? null,
          actor,
          body?.problem === undefined ? null : wordsMark(body.problem),
        ),
    ),
    route(
      'post',
      `${v1}/employees/:id/offboard`,
      'revoke',
      { summary: 'Shut every door of an employee', body: offboardRequest, answer: employee, status: 202, waits: true },
      async ({ parameters, body, actor, waitSeconds, signal }) => {
        const clicked = await application.offboard(parameters.id, body?.reason ?? null, actor)
        return waitSeconds > 0 ? application.settled(clicked.id, waitSeconds * 1_000, signal) : clicked
      },
    ),
    route(
      'post',
      `${v1}/employees/:id/sip-secrets`,
      'revoke',
      {
        summary: 'What to type into a PBX that is operated by hand; recorded',
        body: emptyRequest,
        answer: listOf(sipSecret),
      },
      async ({ parameters, actor }) => ({
        items: (await application.showSecrets(parameters.id, actor)).map(({ secret, ...view }) => ({
          ...view,
          secret: secret.reveal(),
        })),
      }),
    ),
    route(
      'get',
      `${v1}/employees/:id/report`,
      'read',
      { summary: 'The leaver file', answer: leaverFile },
      ({ parameters }) => application.report(parameters.id),
    ),

    ...importRoutes(application),

    ...templateRoutes(application),
    ...phoneSettingRoutes(application),
    ...callsRoutes(application),
    ...mailRoutes(application),
    ...peopleRoutes(application),
    ...handsetRoutes(application),
    ...auditRoutes(application),
    ...tokenRoutes(application),
    ...administratorRoutes(application),
    ...pbxRoutes(application),

    route(
      'get',
      `${v1}/doctor`,
      'read',
      { summary: 'What is missing on this host, and what mends it', answer: doctorReport },
      () => application.doctor(),
    ),
  ]
}

/** The contract's shape: the employee itself, with the bearer secrets beside what they open. */
function creationBody({ employee: view, invite, provisioningUrls, warnings }: Onboarded): CreationBody {
  return {
    ...view,
    handsets: view.handsets.map((handset) => {
      const provisioningUrl = provisioningUrls[handset.id]
      return provisioningUrl === undefined ? handset : { ...handset, provisioningUrl }
    }),
    invite,
    warnings,
  }
}

type CreationBody = Omit<Onboarded['employee'], 'handsets'> & {
  readonly handsets: readonly (Onboarded['employee']['handsets'][number] & { readonly provisioningUrl?: string })[]
  readonly invite: Onboarded['invite']
  readonly warnings: readonly string[]
}

/** An e-mail address is at most 254 characters long; longer is nobody. */
function who(text: string): string {
  if (text.length > 254)
    throw new AppError('NOT_FOUND', 'nobody is known by that', { hint: 'look at the list of employees' })
  return text
}
