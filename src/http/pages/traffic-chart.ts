/** Traffic as small charts: bars above the line for what the handset got, below it for what it sent. */
import type { Passed, TrafficOf } from '../../domain/traffic.ts'
import { type Html, html } from '../html.ts'
import { clockText } from './moment.ts'

const step = 6
const bar = 4
const half = 22

/** Both scales with their words, for a page of its own. */
export function trafficCharts({ hours, fiveMinutes }: TrafficOf, since: Html): Html {
  return html`<div class="charts">${chart(hours, 'the last 24 hours', 'one hour')}${chart(fiveMinutes, 'the last hour', 'five minutes')}</div>
<p class="told">Above the line: received by the phone. Below: sent. Counted since the server started, ${since}.</p>`
}

function chart(steps: readonly Passed[], span: string, unit: string): Html {
  const { received, sent } = sums(steps)
  const most = Math.max(...steps.flatMap(({ receivedBytes, sentBytes }) => [receivedBytes, sentBytes]), 0)
  return html`<figure>${bars(steps, `Traffic of ${span}: ${bytesText(received)} received, ${bytesText(sent)} sent`)}
<figcaption><strong>In ${span}</strong> ${bytesText(received)} received, ${bytesText(sent)} sent${most > 0 && `; at most ${bytesText(most)} in ${unit}`}</figcaption></figure>`
}

/** A row of bars for a table, the last 24 hours. */
export function trafficSpark(traffic: TrafficOf | null): Html {
  if (traffic === null) return html`<small>–</small>`
  const { received, sent } = sums(traffic.hours)
  if (received + sent === 0) return html`<small>nothing yet</small>`
  const told = `${bytesText(received)} received, ${bytesText(sent)} sent`
  return html`<span class="spark">${bars(traffic.hours, `Last 24 hours: ${told}`)}<small>${bytesText(received + sent)}</small></span>`
}

function sums(steps: readonly Passed[]): { readonly received: number; readonly sent: number } {
  return {
    received: steps.reduce((sum, { receivedBytes }) => sum + receivedBytes, 0),
    sent: steps.reduce((sum, { sentBytes }) => sum + sentBytes, 0),
  }
}

function bars(steps: readonly Passed[], told: string): Html {
  const most = Math.max(...steps.flatMap(({ receivedBytes, sentBytes }) => [receivedBytes, sentBytes]), 1)
  const height = (bytes: number) => (bytes === 0 ? 0 : Math.max(1, Math.round((bytes / most) * (half - 1))))
  const width = steps.length * step
  return html`<svg class="bars" viewBox="0 0 ${width} ${half * 2}" role="img" aria-label="${told}" preserveAspectRatio="none">
${steps.map(({ from, receivedBytes, sentBytes }, index) => {
  const [up, down] = [height(receivedBytes), height(sentBytes)]
  return (
    (up > 0 || down > 0) &&
    html`<g><title>${clockText(from)}: ${bytesText(receivedBytes)} received, ${bytesText(sentBytes)} sent</title>${up > 0 && html`<rect class="received" x="${index * step + 1}" y="${half - up}" width="${bar}" height="${up}"/>`}${down > 0 && html`<rect class="sent" x="${index * step + 1}" y="${half}" width="${bar}" height="${down}"/>`}</g>`
  )
})}<line x1="0" y1="${half}" x2="${width}" y2="${half}"/></svg>`
}

/** `0 B`, `840 kB`, `1.2 MB` */
function bytesText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let [value, unit] = [bytes, 0]
  while (value >= 1_000 && unit < units.length - 1) {
    value /= 1_000
    unit += 1
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`
}
