import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { beginBookOnce } from '../../src/main/pbx.ts'
import { accountBook } from '../../src/pbx/account-book.ts'
import { openStore } from '../../src/store/open-store.ts'
import { scratchFolder } from '../pki/pki-fixture.ts'

test('the list of PBX accounts is begun once: lost later, it is an error and not an empty list', async () => {
  await using folder = await scratchFolder()
  const store = await openStore({ sqlite: join(folder.path, 'ringfence.db') })
  const path = join(folder.path, 'accounts.json')
  const pbx = { id: 'default', driver: '3cx' } as const
  const start = () => beginBookOnce(store, pbx, path)
  try {
    await start()
    const entry = { objectId: '7', credential: { id: 'ana', generation: 1, digest: 'a'.repeat(32) } }
    await accountBook(path).note(new Map([['1001', entry]]))
    await start()
    expect((await accountBook(path).read()).get('1001')).toMatchObject(entry)
    await rm(path)
    await start()
    await expect(accountBook(path).read()).rejects.toMatchObject({ code: 'INTERNAL' })
    // Another PBX has a list of its own.
    await beginBookOnce(store, { ...pbx, id: 'branch' }, `${path}-branch`)
    expect(await accountBook(`${path}-branch`).read()).toEqual(new Map())
  } finally {
    await store.close()
  }
})
