// A button with data-passkey asks the browser for a passkey, puts the answer into its form, and sends that.
for (const button of document.querySelectorAll('button[data-passkey]')) {
  if (!window.PublicKeyCredential || !window.isSecureContext) continue
  const { form } = button
  const said = form.querySelector('[role="status"]')
  button.hidden = false
  for (const part of document.querySelectorAll('[data-with-passkey]')) part.hidden = false
  button.addEventListener('click', async () => {
    const fields = [...form.querySelectorAll('input[data-who]')]
    if (!fields.every((field) => field.reportValidity())) return
    const options = JSON.parse(button.dataset.options)
    const value = (name) => form.elements[name]?.value.trim()
    said.textContent = 'Follow what your browser or phone asks.'
    try {
      if (button.dataset.passkey === 'create') {
        // The first owner says only now who they are; this is what the passkey will be listed under.
        if (value('email')) options.user.name = value('email')
        if (value('name')) options.user.displayName = value('name')
      }
      const ask = button.dataset.passkey === 'create' ? 'startRegistration' : 'startAuthentication'
      form.elements.answer.value = JSON.stringify(await SimpleWebAuthnBrowser[ask]({ optionsJSON: options }))
      form.action = button.dataset.action
      form.submit()
    } catch (error) {
      said.textContent =
        error.name === 'InvalidStateError'
          ? 'This device holds a passkey for you already.'
          : 'That did not work or was cancelled. Try again, or use another way.'
    }
  })
}
