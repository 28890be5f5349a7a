import type { JoinHandset } from '../../journeys/join-view.ts'
import { type Html, html } from '../html.ts'
import { code, type Desk, fileLink } from './parts.ts'

export function certificates(desk: Desk, { modelId, certificateFiles }: JoinHandset): Html {
  const { say, text } = desk
  const key = certificateFiles.find(({ name }) => /key/i.test(name))
  const authority = certificateFiles.find(({ name }) => name.endsWith('-ca.pem'))
  const chain = certificateFiles.find((file) => file !== key && file !== authority)
  const linphone = modelId === 'linphone-desktop' && key && chain
  const folder = text('join.certificate.folder')
  return html`<p>${say('join.certificate.where')}</p>
<ul class="files">${certificateFiles.map(({ name, what }) => html`<li><a href="${fileLink(desk, name)}" download>${name}</a> <span lang="en">${what}</span></li>`)}</ul>
${
  linphone &&
  html`<p>${say('join.certificate.linphone', { section: code('[sip]'), file: code('linphonerc') })}</p>
<pre translate="no"><code>[sip]
client_cert_chain=${folder}/${chain.name}
client_cert_key=${folder}/${key.name}</code></pre>
${authority && html`<p class="aside">${say('join.certificate.authority', { line: code(`root_ca=${folder}/${authority.name}`) })}</p>`}`
}`
}
