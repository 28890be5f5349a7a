import { afterAll, beforeAll, expect, test } from 'vitest'
import { withAmi } from '../../src/pbx/asterisk/ami-connection.ts'
import { shownEndpoint } from '../../src/pbx/asterisk/asterisk-lists.ts'
import { type AsteriskLab, startAsterisk } from '../lab/asterisk.ts'
import { describeLive } from '../setup/requirements.ts'

describeLive("a real Asterisk's manager interface", ['asterisk', 'openssl'], () => {
  let lab: AsteriskLab
  beforeAll(async () => {
    lab = await startAsterisk()
  })
  afterAll(() => lab?.stop())

  test.each(['in clear', 'over TLS'])('answers a hundred questions that are asked at once %s', async (how) => {
    const address = how === 'over TLS' ? lab.amiTls : lab.ami
    const answers = await withAmi({ ...address, timeoutMs: 3_000 }, AbortSignal.timeout(20_000), (session) =>
      Promise.all(Array.from({ length: 100 }, (_, index) => shownEndpoint(session, String(390_000 + index)))),
    )
    expect(answers).toEqual(Array(100).fill([]))
  })
})
