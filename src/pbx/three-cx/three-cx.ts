import type { DialPlan } from '../../domain/call-policy.ts'
import { Secret } from '../../domain/secret.ts'
import { AppError } from '../../errors.ts'
import { accountBook } from '../account-book.ts'
import { bookedDriver } from '../booked/booked-driver.ts'
import type { ExtensionDesk, Listed } from '../booked/extension-desk.ts'
import { callerName } from '../caller-name.ts'
import type { PbxAbilities, PbxDriver } from '../pbx-driver.ts'
import { type ThreeCxAccess, type ThreeCxApi, type ThreeCxCall, type ThreeCxUser, threeCxApi } from './three-cx-api.ts'
import { leftoversOf, sharedPinsOf, threeCxOutliving } from './three-cx-leftovers.ts'
import { judgeByRules, unjudged } from './three-cx-rules.ts'

export interface ThreeCxOptions extends ThreeCxAccess {
  /** What 3CX says in its challenge; only to compare secrets without keeping them. */
  readonly realm: string
  /** The account book, a file in the data folder. */
  readonly accountsFile: string
  /** What dialled numbers mean at its site; null: nobody said it yet. */
  readonly dialPlan: () => Promise<DialPlan | null>
}

/**
 * 3CX v20 by its configuration interface. Not used: ReprovisionPhone. It takes the MAC address of a phone that 3CX
 * provisions itself, and no Event; the phones of Ringfence are none of these.
 */
function threeCxAbilities({ realm }: Pick<ThreeCxOptions, 'realm'>): PbxAbilities {
  return {
    realm,
    credentialsPerExtension: 'one',
    readBack: true,
    // The interface has no action for it; what is registered stays until its time runs out.
    endsRegistrations: false,
    endsCalls: true,
    resync: false,
    certificates: 'not-checked',
    revocationLists: 'not-checked',
    storesSecretAs: 'clear',
    // Outbound rules are shared by all users in an order of their own: none can be added without changing somebody else's.
    callClasses: 'judged',
    adoption: true,
    tellsAddresses: false,
  }
}

export function threeCxDriver(options: ThreeCxOptions): PbxDriver {
  const api = threeCxApi(options)
  const desk = threeCxDesk(api)
  return {
    kind: '3cx',
    abilities: threeCxAbilities(options),
    describe: async (signal) => ({
      product: await desk.product(signal),
      problems: await problemsOf(desk, api, signal),
    }),
    ...bookedDriver({ desk, book: accountBook(options.accountsFile), realm: options.realm }),
    outliving: threeCxOutliving,
    readLeftovers: (extensions, signal) => leftoversOf(api, extensions, signal),
    readSharedPins: (signal) => sharedPinsOf(api, signal),
    async judgeCalls(wishes, signal) {
      if (wishes.length === 0) return []
      const plan = await options.dialPlan()
      try {
        const rules = await api.rules(signal)
        return judgeByRules(wishes, rules, plan)
      } catch (error) {
        // Nobody else's line waits for a right that the client lacks: then it is a step without a look.
        if (!(error instanceof AppError) || error.code !== 'PBX_REFUSED') throw error
        return wishes.map((wish) => unjudged(wish, error.message))
      }
    },
  }
}

/** A first look, so that missing rights show at the start and not on the day somebody leaves. */
async function problemsOf(desk: ExtensionDesk, api: ThreeCxApi, signal: AbortSignal) {
  try {
    await desk.list(signal)
    await api.rules(signal)
    return []
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'PBX_REFUSED') throw error
    return [{ message: error.message, hint: error.hint ?? '' }]
  }
}

/** Above this many one listing is quicker than a question for each. */
const mostOneByOne = 20

function threeCxDesk(api: ThreeCxApi): ExtensionDesk {
  return {
    product: async (signal) => `3CX ${await api.version(signal)}`,
    list: async (signal) => (await api.users(signal)).flatMap(listed),
    async find(extensions, signal) {
      if (extensions.length > mostOneByOne) return (await api.users(signal)).flatMap(listed)
      const found: Listed[] = []
      for (const extension of extensions) {
        const users = (await api.usersByNumber(extension, signal)).flatMap(listed)
        found.push(...users.filter((one) => one.extension === extension))
      }
      return found
    },
    async look(objectId, signal) {
      const user = await api.user(objectId, signal)
      if (user === null) return null
      const { AuthID, AuthPassword, Enabled } = user
      if (!AuthID || !AuthPassword) throw hidden(user)
      const settings = Object.fromEntries(Object.entries(user).filter(([name]) => isSteady(name)))
      return { objectId, enabled: Enabled === true, username: AuthID, secret: new Secret(AuthPassword), settings }
    },
    async create({ extension, displayName, username, secret }, signal) {
      const fields = { ...nameFields(displayName, extension), Number: extension, ...loginFields(username, secret) }
      return String((await api.createUser(fields, signal)).Id)
    },
    nameSettings: ['FirstName', 'LastName', 'DisplayName'],
    open(objectId, { username, secret, displayName }, signal) {
      const name = displayName === null ? {} : nameFields(displayName, username)
      return api.changeUser(objectId, { ...name, ...loginFields(username, secret) }, signal)
    },
    renewWaysIn: (objectId, signal) => api.regenerate(objectId, everySecret, signal),
    async shut({ objectId }, signal) {
      // The block first: from here on nothing of it works, whatever becomes of the passwords.
      await api.changeUser(objectId, { Enabled: false }, signal)
      await api.regenerate(objectId, everySecret, signal)
    },
    restore: (objectId, settings, signal) => api.changeUser(objectId, settings, signal),
    calls: async (signal) =>
      (await api.calls(signal)).map((call) => ({ id: String(call.Id), extensions: extensionsIn(call) })),
    hangUp: (callId, signal) => api.dropCall(callId, signal),
  }
}

/** Without a mail: it would bring the new passwords to the person who left. */
const everySecret = {
  SipAuth: true,
  WebclientPassword: true,
  VoicemailPIN: true,
  DeskphonePassword: true,
  ConfigurationLink: true,
  RpsKey: true,
  SendWelcomeEmail: false,
}

/** What Ringfence changes itself, and what changes by itself. */
const changing = [
  'AuthID',
  'AuthPassword',
  'Enabled',
  'IsRegistered',
  'AccessPassword',
  'DeskphonePassword',
  'VMPIN',
  'QueueStatus',
  'CurrentProfileName',
  'HotdeskingAssignment',
]

function isSteady(name: string): boolean {
  return !changing.includes(name) && name !== 'Id' && !name.startsWith('@odata')
}

function loginFields(username: string, secret: Secret) {
  return { AuthID: username, AuthPassword: secret, Enabled: true }
}

function nameFields(displayName: string, otherwise: string) {
  const name = callerName(displayName) || otherwise
  const cut = name.lastIndexOf(' ')
  return cut < 0 ? { FirstName: name, LastName: '' } : { FirstName: name.slice(0, cut), LastName: name.slice(cut + 1) }
}

function listed(user: ThreeCxUser): Listed[] {
  const { Id, Number: number, FirstName, LastName, EmailAddress, Enabled, IsRegistered } = user
  if (!number) return []
  return [
    {
      extension: number,
      objectId: String(Id),
      displayName: [FirstName, LastName].filter(Boolean).join(' ') || null,
      email: EmailAddress || null,
      facts: { enabled: Enabled ? 'yes' : 'no', registered: IsRegistered ? 'yes' : 'no' },
      registrations: IsRegistered
        ? [{ id: `${Id}`, contact: `a phone of ${number}`, address: null, userAgent: null }]
        : [],
    },
  ]
}

/** `1001 Ana Gómez` and the like: the number is what stands first, whole. */
function extensionsIn({ Caller, Callee }: ThreeCxCall): string[] {
  return [Caller, Callee].flatMap((party) => /^\s*([0-9]{2,15})(?![0-9])/.exec(party ?? '')?.[1] ?? [])
}

function hidden({ Number: number }: ThreeCxUser): AppError {
  return new AppError(
    'PBX_REFUSED',
    `3CX does not show the SIP login of extension ${number ?? ''} to this API client`,
    {
      hint: 'without it nothing can be proved: give the client a role that may see and change it',
      retryable: true,
    },
  )
}
