import { html, htmlText } from './html.ts'

interface ConsolePage {
  /** Why this is demo mode; empty when it is not. */
  readonly demo: readonly string[]
  readonly version: string
}

/** What a person sees who opens the console's address. It names no employee: nobody has signed in here. */
export function consolePage({ demo, version }: ConsolePage): string {
  return htmlText(html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Ringfence</title>
<link rel="icon" href="/assets/icon.svg">
<link rel="stylesheet" href="/assets/console.css">
</head>
<body>
${demo.length > 0 && demoBanner(demo)}
<main>
<header>
<p class="brand">Ringfence</p>
<h1>The server is running</h1>
<p class="lead">Phones are handed out, taken back and checked from the command line on this machine, or over the API.</p>
</header>

<section aria-labelledby="first">
<h2 id="first">First steps</h2>
<ol class="commands">
<li><p>See what this host still needs</p><pre><code>./ringfence doctor</code></pre></li>
<li><p>Hand out a softphone; the answer is a link for the employee</p>
<pre><code>./ringfence onboard --name "Ada Example" \\
  --email ada@example.com --extension 1001 \\
  --handset linphone-mobile</code></pre></li>
<li><p>Look at every door that is open for her</p><pre><code>./ringfence show 1001</code></pre></li>
<li><p>When she leaves: shut them all, and see that they are shut</p><pre><code>./ringfence offboard 1001</code></pre></li>
</ol>
</section>

<section aria-labelledby="programs">
<h2 id="programs">For programs</h2>
<dl>
<div><dt><a href="/api/v1/openapi.json">/api/v1/openapi.json</a></dt><dd>The API, described. A token: <code>./ringfence token create --role admin</code></dd></div>
<div><dt>/api/v1/events</dt><dd>Every change as it happens, as server-sent events</dd></div>
<div><dt><a href="/healthz">/healthz</a></dt><dd>Answers 200 while the server runs; needs no token</dd></div>
<div><dt>/metrics</dt><dd>Figures for Prometheus; any token may read them</dd></div>
</dl>
</section>
<footer><p>Ringfence ${version}. Keep this address private: it belongs on a loopback or management network only.</p></footer>
</main>
</body>
</html>
`)
}

function demoBanner(reasons: readonly string[]) {
  return html`<aside class="demo" aria-label="Demo mode"><div><strong>Demo mode.</strong>
<span>Everything can be tried, but no phone out there can connect yet:</span>
<ul>${reasons.map((reason) => html`<li>${reason}</li>`)}</ul></div></aside>`
}
