/** One extension in the database of a FreePBX that is not real, and the two sets of names the API has for it. */
export interface FakeExtension {
  tech: string
  secret: string
  devicetype: string
  emergencyCid: string
  user: Record<string, string | number | null>
  /** Settings of the endpoint that the API knows nothing of. */
  endpoint: Record<string, string>
  maxContacts: string
  /** A login to FreePBX's own pages. */
  userManager: boolean
  mailbox: Record<string, string | number> | null
}

export const endpointDefaults = { Context: 'from-internal', MediaEncryption: 'no', Transport: '' }

export const userDefaults = {
  password: '',
  voicemail: 'novm',
  ringtimer: 0,
  noanswer: '',
  recording: '',
  outboundCid: '',
  sipname: '',
  noanswerCid: '',
  busyCid: '',
  chanunavailCid: '',
  noanswerDestination: '',
  busyDestination: '',
  chanunavailDestination: '',
  mohclass: 'default',
  callwaiting: 'enabled',
  recording_in_external: 'dontcare',
  recording_out_external: 'dontcare',
  recording_in_internal: 'dontcare',
  recording_out_internal: 'dontcare',
  recording_ondemand: 'disabled',
  recording_priority: 10,
}

/** By which name the API takes what it shows by another. */
export const takenAs: Readonly<Record<string, string>> = {
  outboundcid: 'outboundCid',
  noanswer_cid: 'noanswerCid',
  busy_cid: 'busyCid',
  chanunavail_cid: 'chanunavailCid',
  noanswer_dest: 'noanswerDestination',
  busy_dest: 'busyDestination',
  chanunavail_dest: 'chanunavailDestination',
}

export function shownExtension(id: string, { tech, user, secret, devicetype, emergencyCid }: FakeExtension) {
  return {
    extensionId: id,
    tech,
    user: devicetype === 'fixed' ? { ...user, extPassword: secret } : null,
    coreDevice: { dial: `PJSIP/${id}`, devicetype, description: user.name ?? '', emergencyCid },
  }
}

/** A box made by the way of updateExtension (FreePBX/voicemail, Voicemail.class.php: removeMailbox, processQuickCreate). */
export const newMailbox = {
  AttachMessage: 'No',
  SayEnvelope: 'No',
  DeleteMessage: 'No',
  SayCID: 'No',
  NewMessageCount: 0,
  OldMessageCount: 0,
}

/** What `addUser` writes into Asterisk's database of what it was not given (FreePBX/core, Core.class.php). */
const storedDefaults = {
  cwtone: 'disabled',
  accountcode: '',
  rvolume: '',
  cfringtimer: '0',
  concurrency_limit: '3',
  answermode: 'disabled',
  intercom: 'enabled',
}

export function storeUser(database: Map<string, string>, id: string, { user }: FakeExtension): void {
  const put = (key: string, value: unknown) => database.set(`AMPUSER/${id}/${key}`, String(value ?? ''))
  for (const [key, value] of Object.entries(storedDefaults)) put(key, value)
  for (const key of ['password', 'ringtimer', 'noanswer', 'recording', 'voicemail'] as const) put(key, user[key])
  put('outboundcid', user.outboundCid)
  put('cidname', user.name)
  put('cidnum', id)
  put('device', id)
  database.delete(`AMPUSER/${id}/screen`)
  database.delete(`CW/${id}`)
  if (user.callwaiting === 'enabled') database.set(`CW/${id}`, 'ENABLED')
}

/** `delUser`: the whole tree, with the follow-me whose own module hangs on it. Forwards and do not disturb have no such hook. */
export function forgetUser(database: Map<string, string>, id: string): void {
  for (const key of [...database.keys()])
    if (key.startsWith(`AMPUSER/${id}/`) || key === `CW/${id}`) database.delete(key)
}
