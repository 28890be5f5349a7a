/*
 * The employee's page. It makes the tunnel's secret key, which never leaves this device: only its public half is sent, and the
 * configuration comes back without it. It also looks again whether tunnel and phone work. Without script the page does
 * both by plain links.
 */

const base64 = (bytes) => btoa(String.fromCharCode(...bytes))
const fromUrlSafe = (text) => text.replaceAll('-', '+').replaceAll('_', '/').padEnd(44, '=')

async function newKeyPair() {
  try {
    const { privateKey } = await crypto.subtle.generateKey({ name: 'X25519' }, true, ['deriveBits'])
    const { d, x } = await crypto.subtle.exportKey('jwk', privateKey)
    return { privateKey: fromUrlSafe(d), publicKey: fromUrlSafe(x) }
  } catch {
    // This browser's own cryptography has no X25519 yet.
    const { x25519 } = await import('./@noble/curves/ed25519.js')
    const { secretKey, publicKey } = x25519.keygen()
    return { privateKey: base64(secretKey), publicKey: base64(publicKey) }
  }
}

/** An SVG as the server draws it: black on white with its quiet zone of four modules. Null when it is too much. */
async function drawQr(text, title) {
  const { create } = await import('./qrcode.js')
  const bytes = [{ data: new TextEncoder().encode(text), mode: 'byte' }]
  const made = (level) => {
    try {
      return create(bytes, { errorCorrectionLevel: level })
    } catch {
      return null
    }
  }
  const medium = made('M')
  const code = medium && medium.version <= 20 ? medium : made('L')
  if (!code) return null
  const { size, data } = code.modules
  const whole = size + 8
  let strokes = ''
  for (let at = 0; at < size * size; at++)
    if (data[at]) strokes += `M${(at % size) + 4} ${Math.floor(at / size) + 4}h1v1h-1z`
  const element = (name, attributes) => {
    const made = document.createElementNS('http://www.w3.org/2000/svg', name)
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
    return made
  }
  const svg = element('svg', {
    viewBox: `0 0 ${whole} ${whole}`,
    role: 'img',
    'aria-label': title,
    'shape-rendering': 'crispEdges',
  })
  svg.append(
    element('path', { fill: '#fff', d: `M0 0h${whole}v${whole}H0z` }),
    element('path', { fill: '#000', d: strokes }),
  )
  return svg
}

async function makeTunnel(maker) {
  const { post, file, title } = maker.dataset
  const { privateKey, publicKey } = await newKeyPair()
  const answer = await fetch(post, { method: 'POST', body: new URLSearchParams({ publicKey }) })
  if (!answer.ok) throw new Error('refused')
  const text = (await answer.text()).replace('[Interface]\n', `[Interface]\nPrivateKey = ${privateKey}\n`)
  const made = maker.querySelector('template').content.cloneNode(true)
  const figure = made.querySelector('.qr')
  const code = figure && (await drawQr(text, title))
  if (code) figure.append(code)
  else figure?.closest('.scan').remove()
  const link = made.querySelector('[data-download]')
  // Not text/plain: Android would call the file .txt, and the app takes only .conf.
  link.href = URL.createObjectURL(new Blob([text], { type: 'application/octet-stream' }))
  link.download = file
  return made
}

for (const maker of document.querySelectorAll('[data-maker]')) {
  const button = maker.querySelector('[data-make]')
  const said = maker.querySelector('[data-said]')
  button.addEventListener('click', async () => {
    button.disabled = true
    said.textContent = maker.dataset.making
    try {
      const made = await makeTunnel(maker)
      const shown = document.createElement('div')
      shown.append(made)
      maker.querySelector('.made')?.remove()
      shown.className = 'made'
      maker.append(shown)
      maker.querySelector('[data-unmade]').hidden = true
      said.textContent = maker.dataset.made
      lookSoon()
    } catch {
      said.textContent = maker.dataset.failed
      maker.querySelector('[data-instead]')?.removeAttribute('hidden')
      button.disabled = false
    }
  })
}

const check = document.querySelector('[data-check]')
let waitMs = 3_000
let timer

async function look() {
  try {
    const answer = await fetch(check.dataset.check, { cache: 'no-store' })
    // The invite has ended: whoever reloads is told.
    if (answer.status === 404) return
    if (answer.ok) {
      const text = await answer.text()
      if (text.trim() !== check.innerHTML.trim() && text !== look.last) {
        // What somebody has opened to read stays open.
        const open = [...check.querySelectorAll('details')].map((one) => one.open)
        check.innerHTML = text
        check.querySelectorAll('details').forEach((one, at) => {
          one.open ||= open[at] ?? false
        })
        waitMs = 3_000
      } else waitMs = Math.min(waitMs * 1.25, 20_000)
      look.last = text
    }
  } catch {
    waitMs = Math.min(waitMs * 2, 60_000)
  }
  timer = setTimeout(lookOrSleep, check.querySelector('[data-done]') ? 60_000 : waitMs)
}

/** A page in the background asks nothing. */
function lookOrSleep() {
  if (document.hidden) document.addEventListener('visibilitychange', lookOrSleep, { once: true })
  else look()
}

function lookSoon() {
  if (!check) return
  clearTimeout(timer)
  waitMs = 3_000
  timer = setTimeout(lookOrSleep, waitMs)
}

for (const part of document.querySelectorAll('[data-with-script]')) part.hidden = false
lookSoon()
