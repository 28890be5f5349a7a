// What the pages do beyond htmx. Everything works without it, only less quickly.
htmx.config.allowEval = false
htmx.config.includeIndicatorStyles = false
htmx.config.selfRequestsOnly = true
htmx.config.historyCacheSize = 0

// What moves by itself. A part with `data-events` is fetched anew when something happened: soon after, together with
// what happens in the same moment, and at least every second while it goes on. A hidden tab listens to nothing, so that
// many tabs do not use up a browser's few connections; back in sight it looks at once.
;(() => {
  const soonMs = 120
  const longestMs = 1000
  let stream = null
  let timer = 0
  let waitingSince = 0
  let lookedAt = 0

  const part = () => document.querySelector('[data-events]')
  const look = () => {
    timer = waitingSince = 0
    lookedAt = Date.now()
    const element = part()
    if (element) htmx.trigger(element, 'happened')
  }
  const happened = () => {
    const now = Date.now()
    waitingSince ||= now
    clearTimeout(timer)
    const notBefore = lookedAt + Number(part()?.dataset.pace ?? 0) - now
    timer = setTimeout(look, Math.max(0, notBefore, Math.min(soonMs, waitingSince + longestMs - now)))
  }
  const listen = () => {
    stream?.close()
    stream = null
    const element = part()
    if (!element || document.hidden) return
    stream = new EventSource(element.dataset.events)
    // Also after a gap: what happened during it was not heard.
    stream.addEventListener('open', happened)
    for (const kind of ['verdict', 'employee', 'import']) stream.addEventListener(kind, happened)
  }
  document.addEventListener('visibilitychange', listen)
  window.addEventListener('pagehide', () => stream?.close())
  listen()

  // What somebody opened or closed stays so when its part is fetched anew.
  const touched = new Map()
  document.addEventListener('click', ({ target }) => {
    const details = target.closest?.('summary')?.parentElement
    if (details?.id) touched.set(details.id, !details.open)
  })
  document.addEventListener('htmx:afterSwap', () => {
    for (const [id, open] of touched) {
      const details = document.getElementById(id)
      if (details) details.open = open
    }
    tick()
  })

  // Clocks that run: how long ago something began.
  const words = (ms) => {
    const seconds = Math.max(0, Math.round(ms / 1000))
    if (seconds < 120) return `${seconds} s`
    const minutes = Math.round(seconds / 60)
    if (minutes < 120) return `${minutes} minutes`
    const hours = Math.round(minutes / 60)
    return hours < 48 ? `${hours} hours` : `${Math.round(hours / 24)} days`
  }
  const tick = () => {
    for (const element of document.querySelectorAll('[data-since]')) {
      const told = words(Date.now() - Date.parse(element.dataset.since))
      if (element.textContent !== told) element.textContent = told
    }
  }
  setInterval(tick, 1000)
  tick()

  for (const button of document.querySelectorAll('button.print')) {
    button.hidden = false
    button.addEventListener('click', () => print())
  }
  document.addEventListener('focusin', ({ target }) => {
    if (target.matches?.('input.copy')) target.select()
  })

  // Beside what is shown once or is long to mark: where a browser lets us, at a click.
  for (const shown of navigator.clipboard ? document.querySelectorAll('input.copy, .secret > code') : []) {
    const button = document.createElement('button')
    button.type = 'button'
    button.className = 'quiet copies'
    button.textContent = 'Copy'
    button.addEventListener('click', async () => {
      await navigator.clipboard.writeText(shown.value ?? shown.textContent)
      button.textContent = 'Copied'
    })
    shown.after(button)
  }

  // The same click twice is one deed, by the form's key; here its buttons only show that it is on its way. After the
  // browser took the button's own value along; and back from the next page they can be pressed again.
  const buttonsOf = (form) => form.querySelectorAll('button:not([type="button"])')
  document.addEventListener('submit', (event) => {
    const form = event.target
    if (!form.querySelector('input[name="formKey"]') || form.hasAttribute('hx-post')) return
    setTimeout(() => {
      if (event.defaultPrevented) return
      for (const button of buttonsOf(form)) button.disabled = true
    })
  })
  window.addEventListener('pageshow', ({ persisted }) => {
    if (persisted) for (const form of document.forms) for (const button of buttonsOf(form)) button.disabled = false
  })
})()

// What is typed is checked by the server; here a field only learns whether something stands beside it.
;(() => {
  document.addEventListener('htmx:afterSettle', () => {
    for (const said of document.querySelectorAll('.field > .said')) {
      const field = document.querySelector(`[aria-describedby="${CSS.escape(said.id)}"]`)
      if (said.textContent.trim() === '') field?.removeAttribute('aria-invalid')
      else field?.setAttribute('aria-invalid', 'true')
    }
  })

  // After an answer that says what is wrong, one goes on at the first wrong field.
  document.querySelector('main [aria-invalid="true"]')?.focus()

  // A file that is dropped anywhere on the zone is put into its field and sent; the field itself does for keyboards.
  for (const zone of document.querySelectorAll('[data-drop]')) {
    const field = document.getElementById(zone.dataset.drop)
    const over = (isOver) => (event) => {
      if (!event.dataTransfer?.types.includes('Files')) return
      event.preventDefault()
      zone.classList.toggle('over', isOver)
    }
    zone.addEventListener('dragover', over(true))
    zone.addEventListener('dragleave', over(false))
    zone.addEventListener('drop', (event) => {
      over(false)(event)
      if (event.dataTransfer?.files.length !== 1) return
      field.files = event.dataTransfer.files
      field.form.requestSubmit()
    })
  }
})()
