import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { runHubAlone } from '../../src/main.ts'

let root: string
let folder: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), `ringfence-hub-folder-${process.pid}-`))
  folder = join(root, 'hub')
  mkdirSync(folder)
  chmodSync(folder, 0o750)
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

describe('the folder of a hub that runs on its own', () => {
  test('is not closed over a socket that the server reaches through it: the hub says where to put the socket', async () => {
    writeFileSync(join(folder, 'hub.key'), '')
    const env = { RINGFENCE_DATA: root, RINGFENCE_HUB_DATA: folder, RINGFENCE_HUB_SOCKET: join(folder, 'hub.sock') }
    await expect(runHubAlone(env)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      hint: expect.stringContaining('RINGFENCE_HUB_SOCKET'),
    })
    expect(statSync(folder).mode & 0o777).toBe(0o750)
  })

  test('is refused when it is open and holds the things of others', async () => {
    writeFileSync(join(folder, 'letter'), '')
    const env = { RINGFENCE_DATA: root, RINGFENCE_HUB_DATA: folder, RINGFENCE_HUB_SOCKET: join(root, 'hub.sock') }
    await expect(runHubAlone(env)).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    expect(statSync(folder).mode & 0o777).toBe(0o750)
  })
})
