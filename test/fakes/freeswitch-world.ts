import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Secret } from '../../src/domain/secret.ts'
import { type Freeswitch, openFreeswitch } from '../../src/pbx/freeswitch/freeswitch.ts'
import type { FreeswitchOptions } from '../../src/pbx/freeswitch/freeswitch-options.ts'
import type { PbxWorld } from '../contracts/pbx-hand.ts'
import { type FakeFreeswitch, startFakeFreeswitch } from './fake-freeswitch.ts'
import { askDirectory } from './fake-xml-curl.ts'

export interface FreeswitchWorld extends PbxWorld {
  readonly fake: FakeFreeswitch
  readonly options: FreeswitchOptions
  readonly freeswitch: Freeswitch
}

const realm = 'pbx.example.com'

/** A FreeSWITCH that is not real, which asks the real directory, and phones in front of it. */
export async function freeswitchWorld(more: Partial<FreeswitchOptions> = {}): Promise<FreeswitchWorld> {
  const fake = await startFakeFreeswitch(realm)
  const folder = await mkdtemp(join(tmpdir(), 'ringfence-freeswitch-'))
  const options: FreeswitchOptions = {
    realm,
    profile: 'internal',
    context: 'default',
    classContexts: null,
    eventSocket: {
      host: '127.0.0.1',
      port: fake.eventSocket.door.port,
      password: new Secret(fake.password),
      timeoutMs: 2_000,
    },
    directory: {
      host: '127.0.0.1',
      port: 0,
      username: 'freeswitch',
      password: new Secret('of the directory'),
      from: ['127.0.0.1'],
      tls: null,
    },
    accountsFile: join(folder, 'accounts.json'),
    ...more,
  }
  const freeswitch = await openFreeswitch(options)
  const { username, password, tls } = options.directory
  const port = await freeswitch.directory.listen()
  fake.directory = { port, credentials: `${username}:${password.reveal()}`, tls: tls !== null }
  return {
    fake,
    options,
    freeswitch,
    driver: freeswitch.driver,
    parts: { FreeSWITCH: 'fake' },
    phone: async ({ extension, username: login, secret, address = '127.0.0.1' }) => {
      const phone = { extension, username: login, secret, address }
      return {
        register: () => fake.register(phone),
        call: async () => (await fake.call(phone)).status,
        events: () => fake.events(phone),
      }
    },
    addForeign: async (extension) => void fake.files.set(extension, 'by hand'),
    async look(extension) {
      const lines = (await readFile(options.accountsFile, 'utf8')).split('\n').map((line) => line.replace(/,$/, ''))
      const own = lines.filter((line) => line.includes(`"extension":"${extension}"`))
      return `${own.join('\n')} ${fake.look(extension)}`
    },
    async allBut(extensions) {
      const text = await readFile(options.accountsFile, 'utf8').catch(() => '')
      const isOther = (line: string) =>
        /\w/.test(line) && !extensions.some((extension) => line.includes(`"extension":"${extension}"`))
      const accounts = text.split('\n').filter(isOther)
      return { ...fake.allBut(extensions), accounts: accounts.map((line) => line.replace(/,$/, '')) }
    },
    async shownName(extension) {
      const asked = { section: 'directory', tag_name: 'domain', key_name: 'name', key_value: realm }
      const user = await askDirectory(fake.directory!, { ...asked, key: 'id', user: extension, domain: realm })
      return user?.variables.effective_caller_id_name
    },
    goDown: () => fake.eventSocket.door.shut(),
    async comeBack() {
      fake.forget()
      await fake.eventSocket.door.open()
    },
    async stop() {
      await fake.eventSocket.door.shut()
      await freeswitch.directory.close()
      await rm(folder, { recursive: true })
    },
  }
}
