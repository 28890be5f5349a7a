import { afterEach, expect, test } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import { withAmi } from '../../src/pbx/asterisk/ami-connection.ts'
import { voicemailProblem } from '../../src/pbx/asterisk/asterisk-voicemail.ts'
import { amiMessage, type FakeAmi, startFakeAmi } from '../fakes/fake-ami.ts'

let fake: FakeAmi | null = null
afterEach(async () => {
  await fake?.stop()
  fake = null
})

/** What `doctor` says where voicemail is loaded and its action is answered with these words. */
async function said(words: string) {
  fake = await startFakeAmi({
    reply: ({ Action, ActionID }) =>
      Action === 'VoicemailUserStatus'
        ? amiMessage({ Response: 'Error', ActionID, Message: words })
        : amiMessage({ Response: 'Success', ActionID }),
  })
  const address = { host: '127.0.0.1', port: fake.port, username: 'ringfence', secret: new Secret('secret'), tls: null }
  return withAmi(address, AbortSignal.timeout(5_000), voicemailProblem)
}

test('a right that is missing and an action that Asterisk does not know are told apart', async () => {
  expect(await said('Permission denied')).toMatchObject([
    { message: 'the manager user may not look at voicemail boxes', hint: expect.stringContaining('system,reporting') },
  ])
  await fake!.stop()
  const [unknown] = await said(
    'Invalid/unknown command: VoicemailUserStatus. Use Action: ListCommands to show available commands.',
  )
  expect(unknown!.message).toContain('does not know the action VoicemailUserStatus')
  expect(unknown!.hint).not.toContain('write =')
  // Debian's Asterisk loads all it has; unloading and loading is refused there ("Firm unload failed").
  expect(unknown!.hint).toMatch(/noload => app_voicemail_odbc\.so.*core restart/)
  expect(unknown!.hint).not.toContain('module unload')
})
