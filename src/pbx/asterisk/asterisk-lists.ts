import type { AmiMessage, AmiSession } from './ami-conversation.ts'

/** Lists of the running Asterisk, which says in words of its own that there are none. Each is complete or an error. */

export function shownEndpoints(session: AmiSession): Promise<readonly AmiMessage[]> {
  return session.list({ Action: 'PJSIPShowEndpoints' }, 'No endpoints found')
}

export function shownAuths(session: AmiSession): Promise<readonly AmiMessage[]> {
  return session.list({ Action: 'PJSIPShowAuths' }, 'No Auths found')
}

export function shownAors(session: AmiSession): Promise<readonly AmiMessage[]> {
  return session.list({ Action: 'PJSIPShowAors' }, 'No AORs found')
}

/** One endpoint, with an event for each part of it; empty when there is none of that name. */
export function shownEndpoint(session: AmiSession, name: string): Promise<readonly AmiMessage[]> {
  return session.list({ Action: 'PJSIPShowEndpoint', Endpoint: name }, `Unable to retrieve endpoint ${name}`)
}
