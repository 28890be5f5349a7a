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
