const names: Readonly<Record<string, string>> = {
  administrator: 'console',
  edge: 'SIP edge',
  'sip-account': 'SIP account',
}

/** What people call an access system, the place behind a door: `SIP account`, `phone door`. */
export function systemName(kind: string): string {
  return names[kind] ?? kind.replaceAll('-', ' ')
}
