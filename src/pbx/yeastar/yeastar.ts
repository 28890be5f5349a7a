import type { Secret } from '../../domain/secret.ts'
import { AppError } from '../../errors.ts'
import { accountBook } from '../account-book.ts'
import { bookedDriver } from '../booked/booked-driver.ts'
import type { ExtensionDesk, Listed } from '../booked/extension-desk.ts'
import { callerName } from '../caller-name.ts'
import type { PbxAbilities, PbxAccount, PbxDriver, Registration } from '../pbx-driver.ts'
import { type YeastarAccess, type YeastarApi, type YeastarListed, yeastarApi } from './yeastar-api.ts'
import { leftoversOf, yeastarOutliving } from './yeastar-leftovers.ts'
import { requireRegistrationSecret, unknownPassword } from './yeastar-password.ts'

export interface YeastarOptions extends YeastarAccess {
  /** What the PBX says in its challenge; only to compare secrets without keeping them. */
  readonly realm: string
  /** The account book, a file in the data folder. */
  readonly accountsFile: string
}

/** Yeastar P-Series. Its interface neither ends a registration nor switches an extension off: the secrets are all. */
function yeastarAbilities({ realm }: Pick<YeastarOptions, 'realm'>): PbxAbilities {
  return {
    realm,
    credentialsPerExtension: 'one',
    readBack: true,
    endsRegistrations: false,
    endsCalls: true,
    resync: false,
    certificates: 'not-checked',
    revocationLists: 'not-checked',
    storesSecretAs: 'clear',
    callClasses: 'absent',
    adoption: true,
  }
}

export function yeastarDriver(options: YeastarOptions): PbxDriver {
  const api = yeastarApi(options)
  const desk = yeastarDesk(api)
  return {
    kind: 'yeastar',
    abilities: yeastarAbilities(options),
    describe: async (signal) => ({ product: await desk.product(signal), problems: [] }),
    ...bookedDriver({ desk, book: accountBook(options.accountsFile), realm: options.realm, requireFit }),
    outliving: yeastarOutliving,
    readLeftovers: (extensions, signal) => leftoversOf(api, extensions, signal),
  }
}

function requireFit({ extension, credentials }: PbxAccount): void {
  if (extension.length > 7) {
    throw new AppError('INVALID_INPUT', `extension ${extension} is longer than 7 digits`, {
      hint: 'Yeastar takes no longer ones: choose another extension',
    })
  }
  for (const { secret } of credentials) requireRegistrationSecret(secret, extension)
}

/** How many phones may register at once: the P-Series allows three. */
const mostRegistrations = 3

function yeastarDesk(api: YeastarApi): ExtensionDesk {
  const list = async (signal: AbortSignal) => (await api.list(signal)).map(listed)
  return {
    product: async (signal) => `Yeastar ${await api.version(signal)}`,
    list,
    // Its search is by part of a number and part of a name; the whole list is a few pages.
    async find(extensions, signal) {
      const meant = new Set(extensions)
      return (await list(signal)).filter(({ extension }) => meant.has(extension))
    },
    async look(objectId, signal) {
      const detail = await api.detail(objectId, signal)
      if (detail === null) return null
      const secret = await api.registrationPassword(objectId, signal)
      const settings = Object.fromEntries(Object.entries(detail).filter(([name]) => !changing.includes(name)))
      return { objectId, enabled: null, username: detail.reg_name ?? '', secret, settings }
    },
    create({ extension, displayName, username, secret, maxContacts }, signal) {
      const fields = {
        type: 'SIP',
        number: extension,
        ...nameFields(displayName, extension),
        ...loginFields(username, secret, maxContacts),
        // The way into the web pages and the Linkus apps: nobody is told.
        user_password: unknownPassword(),
        presence_status: 'available',
      }
      return api.create(fields, signal)
    },
    nameSettings: ['first_name', 'last_name', 'caller_id_name'],
    open(objectId, { username, secret, maxContacts, displayName }, signal) {
      const name = displayName === null ? {} : { ...nameFields(displayName, username), last_name: '' }
      return api.update(objectId, { ...name, ...loginFields(username, secret, maxContacts) }, signal)
    },
    renewWaysIn: (objectId, signal) => api.update(objectId, { user_password: unknownPassword() }, signal),
    async shut({ objectId }, signal) {
      const fields = { reg_password: unknownPassword(), user_password: unknownPassword() }
      await api.update(objectId, fields, signal)
    },
    restore: (objectId, settings, signal) => api.update(objectId, settings, signal),
    calls: async (signal) =>
      (await api.calls(signal)).flatMap(({ members }) =>
        members.flatMap(({ extension }) =>
          extension ? [{ id: extension.channel_id, extensions: [extension.number] }] : [],
        ),
      ),
    hangUp: (channel, signal) => api.hangUp(channel, signal),
  }
}

function nameFields(displayName: string, otherwise: string) {
  return { first_name: callerName(displayName) || otherwise }
}

function loginFields(username: string, secret: Secret, maxContacts: number) {
  return {
    reg_name: username,
    reg_password: secret,
    concurrent_registrations: Math.min(maxContacts, mostRegistrations),
  }
}

/** What Ringfence changes itself, and what changes by itself. */
const changing = [
  'id',
  'reg_name',
  'reg_password',
  'user_password',
  'concurrent_registrations',
  'presence_status',
  'online_status',
]

function listed({ id, number, caller_id_name, email_addr, presence_status, online_status }: YeastarListed): Listed {
  return {
    extension: number,
    objectId: String(id),
    displayName: caller_id_name || null,
    email: email_addr || null,
    facts: presence_status ? { presence: presence_status } : {},
    registrations: Object.entries(online_status ?? {}).flatMap(([kind, client]) =>
      client ? registrationsOf(kind, client) : [],
    ),
  }
}

/** `sip_phone` lists each phone; the Linkus apps say only whether they are there. */
function registrationsOf(
  kind: string,
  { status, status_list }: NonNullable<NonNullable<YeastarListed['online_status']>[string]>,
): Registration[] {
  const each = (status_list ?? []).filter((one) => one.status === 1)
  if (each.length === 0 && status !== 1) return []
  if (each.length === 0) return [{ id: kind, contact: kind, address: null, userAgent: kind }]
  return each.map(({ ip }, index) => ({ id: `${kind}-${index}`, contact: kind, address: ip || null, userAgent: null }))
}
