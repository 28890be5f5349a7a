/** A handset's file as it would get it now, every secret masked, and what changed since it last fetched it. */
import type { Application } from '../../journeys/application.ts'
import type { FilePreview } from '../../journeys/file-view.ts'
import { type Html, html } from '../html.ts'
import { type Route, route } from '../route.ts'
import { handsetFrame } from './handset-page.ts'
import { type PageTools, pageText } from './layout.ts'
import { moment } from './moment.ts'

export function handsetFilePages(application: Application, tools: PageTools): readonly Route[] {
  return [
    route(
      'get',
      '/handsets/:id/files/:name',
      'read',
      { summary: 'A file of a handset, masked', answer: 'text/html' },
      async ({ actor, parameters: { id, name }, response }) => {
        const row = await application.handsets.one(id)
        const preview = await application.previewFile(id, name)
        response.type('html').send(pageText(tools, handsetFrame(actor, row, preview.fileName), content(preview)))
      },
    ),
  ]
}

function content(preview: FilePreview): Html {
  const { fileName, purpose, template, ownTemplate, fetchedAt, diff, body, settings } = preview
  return html`<div class="head"><h1>${fileName}</h1></div>
<p class="told">${purpose && `${purpose}. `}${template === null ? 'Made from no template.' : html`Made from <code>${template}</code>${ownTemplate && ', your own'}.`} Every secret is masked; the number behind a mask grows when that secret is changed.</p>
<section class="card" aria-labelledby="diff"><h2 id="diff">Since its last fetch</h2>
${diff === null ? html`<p>It was never fetched, so there is nothing to compare with.</p>` : diff === '' ? html`<p>Nothing has changed since ${fetchedAt && moment(fetchedAt)}.</p>` : diffText(diff)}</section>
<section class="card" aria-labelledby="now"><h2 id="now">What it would get now</h2><pre tabindex="0"><code>${visible(body)}</code></pre></section>
${settings.length > 0 && html`<section class="card" aria-labelledby="won"><h2 id="won">Settings in it</h2><dl class="facts">${settings.map(({ name, value, layer }) => html`<dt>${name}</dt><dd><code>${value}</code> <small>${layer}</small></dd>`)}</dl></section>`}`
}

/** A sign stands before each line anyway; the colour only repeats it. */
function diffText(diff: string): Html {
  return html`<pre class="diff" tabindex="0"><code>${visible(diff.trimEnd())
    .split('\n')
    .map((line) => {
      const kind = /^(\+\+\+|---|@@)/.test(line)
        ? 'at'
        : line.startsWith('+')
          ? 'more'
          : line.startsWith('-')
            ? 'less'
            : ''
      return html`<span class="${kind}">${line}\n</span>`
    })}</code></pre>`
}

/** Control characters of a file are shown, not obeyed. */
function visible(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]/gu, (sign) => `\\x${sign.charCodeAt(0).toString(16).padStart(2, '0')}`)
}
