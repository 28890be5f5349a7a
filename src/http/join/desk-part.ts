import type { JoinGateway, JoinHandset } from '../../journeys/join-view.ts'
import { inGroups } from '../dictation.ts'
import { type Html, html, trusted } from '../html.ts'
import { afterwards } from './app-part.ts'
import { certificates } from './certificates.ts'
import { code, type Desk, fileLink, part, step } from './parts.ts'
import { tunnelContent } from './tunnel-step.ts'

const fileOnly = { fits: [], scan: false } as const

export function gatewayPart(desk: Desk, gateway: JoinGateway): Html {
  const { say, text } = desk
  const { id, kindName, script, tunnel, phoneSubnet, instructionsHtml } = gateway
  return part(id, text('join.gateway.title'), say('join.gateway.kind', { kind: kindName }), [
    step(
      say(script ? 'join.gateway.script.title' : 'join.gateway.file.title'),
      script ? scriptFile(desk, script) : tunnelContent(desk, tunnel, fileOnly),
    ),
    step(
      say(script ? 'join.gateway.run.title' : 'join.gateway.load.title'),
      html`<div lang="en">${trusted(instructionsHtml)}</div>`,
    ),
    step(say('join.gateway.phones.title'), html`<p>${say('join.gateway.phones', { subnet: code(phoneSubnet) })}</p>`),
  ])
}

function scriptFile(desk: Desk, { fileName, configuration }: NonNullable<JoinGateway['script']>): Html {
  const { say } = desk
  if (configuration === null) return tunnelContent(desk, { ...noTunnel, fileName }, fileOnly)
  return html`<p><a class="button" href="${fileLink(desk, fileName)}" download>${say('join.download', { file: fileName })}</a></p>
<p class="aside">${say('join.gateway.script.keep')}</p>`
}

/** Says that it has been handed over. */
const noTunnel = { id: '', configuration: null, keyOrigin: 'device', browserMayMakeKey: false } as const

export function deskPart(desk: Desk, handset: JoinHandset): Html {
  const { say, view } = desk
  const { tunnel, provisioningUrl, typing, certificateFiles } = handset
  const byGateway = tunnel === null && view.gateways.some(({ script }) => script !== null)
  const steps = [
    ...(tunnel
      ? [
          step(
            say('join.tunnel.title'),
            html`<p>${say('join.desk.tunnel')}</p>${tunnelContent(desk, tunnel, fileOnly)}`,
          ),
        ]
      : []),
    ...(tunnel === null && view.gateways.length > 0
      ? [step(say('join.desk.plug.title'), html`<p>${say('join.desk.plug')}</p>`)]
      : []),
    ...(certificateFiles.length > 0 ? [step(say('join.certificate.phone'), certificates(desk, handset))] : []),
    ...(provisioningUrl === null
      ? []
      : [
          step(
            say('join.desk.address.title'),
            html`${byGateway && html`<p><strong>${say('join.desk.address.only', { extension: view.extension })}</strong></p>`}<p>${say('join.desk.address')}</p>
<p class="dictate" translate="no">${inGroups(provisioningUrl)}</p>
${typing !== null && html`<p lang="en"><strong>${typing}</strong></p>`}
<p>${say('join.desk.restart', { extension: view.extension })}</p>`,
          ),
        ]),
  ]
  return part(handset.id, titleOf(handset), say('join.kind.desk'), steps, {
    before: handset.enrolled && html`<p class="done">${say('join.enrolled')}</p>`,
    after: afterwards(desk, handset),
  })
}

/** Two phones of one model are told apart by the address on their label. */
function titleOf({ modelName, mac }: JoinHandset): string {
  return mac === null ? modelName : `${modelName} · ${mac.match(/../g)!.join(':')}`
}
