/**
 * Who may import whom, as functions from a module's text to sentences that say what is wrong with it. The direction:
 * domain ← access, rooms ← journeys ← http, cli ← main. Rooms do not know each other; main.ts hands things in.
 */
export interface Module {
  /** From the checkout's top, with slashes: `src/pki/issuer.ts`. */
  readonly path: string
  readonly text: string
}

export interface Import {
  /** As resolved: a path from the checkout's top for our own modules, else the package's or Node module's name. */
  readonly target: string
  readonly typeOnly: boolean
  /** Imported names, empty for a default, namespace or side-effect import. */
  readonly names: readonly string[]
}

/** Each third-party package of the product and where it may be used. A new package needs a line here. */
export const homes: Readonly<Record<string, readonly string[]>> = {
  '@simplewebauthn/server': ['src/signin/'],
  '@zxcvbn-ts/core': ['src/signin/'],
  '@zxcvbn-ts/language-common': ['src/signin/'],
  commander: ['src/cli.ts', 'src/cli/'],
  'csv-parse': ['src/journeys/'],
  execa: ['src/system.ts'],
  express: ['src/http/'],
  helmet: ['src/http/'],
  'ipaddr.js': ['src/domain/'],
  kysely: ['src/store/', 'src/pbx/'],
  liquidjs: ['src/phones/'],
  'node-forge': ['src/pki/'],
  nodemailer: ['src/notify/'],
  'node:sqlite': ['src/store/', 'src/pbx/'],
  'openid-client': ['src/signin/'],
  otpauth: ['src/signin/'],
  pg: ['src/store/', 'src/pbx/'],
  pino: ['src/main.ts', 'src/main/', 'src/log.ts'],
  qrcode: ['src/phones/'],
  // Whatever comes from outside is checked where it comes in, which is nearly everywhere.
  zod: ['src/'],
}

/** The folders that talk to one outside system each. */
const rooms = ['tunnels', 'pki', 'pbx', 'phones', 'notify', 'signin', 'store']

/** What lies at the top of src/ for all rooms. */
const ground = ['src/errors.ts', 'src/system.ts', 'src/durable-file.ts', 'src/vault.ts']

/** A file, a folder with a slash at its end, or a pattern. */
type Way = string | RegExp

/** What the deeds answer with, where application.ts has no room for it: shapes only. */
const views = /^src\/journeys\/[a-z-]+-view\.ts$/

interface Reach {
  readonly any: readonly Way[]
  /** Allowed for types, which leave nothing behind when the program runs. */
  readonly types?: readonly Way[]
}

const reach: Readonly<Record<string, Reach>> = {
  domain: { any: [] },
  access: { any: ['src/domain/', 'src/errors.ts', 'src/system.ts'] },
  ...Object.fromEntries(
    rooms.map((room) => [room, { any: ['src/domain/', 'src/access/access-system.ts', ...ground] }]),
  ),
  // The one privileged process shares the domain and the tunnels with the server, and nothing else.
  hub: { any: ['src/domain/', 'src/tunnels/', 'src/errors.ts', 'src/system.ts', 'src/durable-file.ts'] },
  // What the environment says of one PBX driver each.
  'pbx-settings': { any: ['src/domain/', 'src/errors.ts', 'src/setting-reader.ts'] },
  journeys: {
    any: ['src/domain/', ...ground],
    types: ['src/access/', 'src/config.ts', ...rooms.map((room) => `src/${room}/`)],
  },
  http: {
    any: ['src/domain/', 'src/errors.ts', 'src/system.ts', 'src/journeys/application.ts', views],
  },
  cli: { any: ['src/domain/', 'src/errors.ts', 'src/system.ts', 'src/journeys/application.ts', views] },
}

/** Bent rules, each with its reason. */
const exceptions: readonly { readonly from: string; readonly to: string; readonly because: string }[] = [
  { from: 'src/tunnels/', to: 'src/hub/', because: 'the client speaks the hub process its protocol and starts it' },
  {
    from: 'src/pbx/',
    to: 'src/store/node-sqlite.ts',
    because: "the tables of a PBX are spoken to in the same way as Ringfence's own",
  },
  { from: 'src/cli.ts', to: 'src/phones/qr.ts', because: 'the terminal draws the same code as the join page' },
]

/** Folders of src/pbx hold one kind of PBX each and stand on its top; these on another one's, too. */
const standsOn: Readonly<Record<string, string>> = {
  freepbx: 'asterisk',
  edge: 'kamailio',
  'three-cx': 'booked',
  yeastar: 'booked',
}

/** What gives the same answer every time; chance, clock and files come in as values. */
const pure: Readonly<Record<string, readonly string[]>> = {
  'node:crypto': ['createHash', 'createHmac', 'hkdfSync', 'timingSafeEqual'],
  'node:net': ['isIP', 'isIPv4', 'isIPv6'],
}

export function importsOf({ path, text }: Module): readonly Import[] {
  const found: Import[] = []
  for (const [, word, type, clause = '', from] of text.matchAll(
    /^(import|export)\s+(type\s+)?((?:[\w$*]|[{},\s])*?)\s*from\s*'([^']+)'/gm,
  )) {
    const list = /\{([^}]*)\}/.exec(clause)?.[1] ?? ''
    const entries = list
      .split(',')
      .map((entry) => entry.trim())
      .filter(Boolean)
    const onlyTypes = entries.length > 0 && entries.every((entry) => entry.startsWith('type ')) && /^\s*\{/.test(clause)
    found.push({
      target: resolved(path, from!),
      typeOnly: Boolean(type) || onlyTypes,
      names: word === 'export' ? [] : entries.map((entry) => entry.replace(/^type\s+/, '').replace(/\s+as\s.*/, '')),
    })
  }
  for (const [, from] of text.matchAll(/^import\s+'([^']+)'/gm)) {
    found.push({ target: resolved(path, from!), typeOnly: false, names: [] })
  }
  // `import('./x.ts').Name` is how a type is named in passing; anything else loads the module when it runs.
  for (const [, from, after] of text.matchAll(/\bimport\(\s*'([^']+)'\s*\)(\.[A-Z])?/g)) {
    found.push({ target: resolved(path, from!), typeOnly: after !== undefined, names: [] })
  }
  return found
}

/** Imports that go against the direction. */
export function directionFaults(module: Module): readonly string[] {
  const { path } = module
  const room = roomOf(path)
  // main.ts and its folder build everything; nobody else reaches into them.
  if (room === 'main') return []
  const allowed = room === null ? topReach(path) : reach[room]
  if (!allowed) return room === null ? [] : [`${path}: the folder src/${room} is unknown to the rules of direction`]
  return importsOf(module).flatMap(({ target, typeOnly }) => {
    if (!target.startsWith('src/')) return []
    if (room !== null && target.startsWith(`src/${room}/`)) {
      const [own, other] = [kindOf(path), kindOf(target)]
      const mayKnow = other === null || own === other || (own !== null && standsOn[own] === other)
      return mayKnow ? [] : [`${path} must not know ${target}, of another kind of PBX`]
    }
    const ways = typeOnly ? [...allowed.any, ...(allowed.types ?? [])] : allowed.any
    if (ways.some((way) => covers(way, target))) return []
    if (exceptions.some(({ from, to }) => covers(from, path) && covers(to, target))) return []
    const hint = allowed.types?.some((way) => covers(way, target)) ? ' other than as a type' : ''
    return [`${path} must not import ${target}${hint}`]
  })
}

function topReach(path: string): Reach | null {
  if (path === 'src/main.ts') return null
  if (path === 'src/cli.ts') return { any: ['src/cli/', 'src/main.ts', 'src/errors.ts', 'src/domain/'] }
  // Neighbours at the top may share work; the two programs are nobody's neighbours.
  const neighbours = /^src\/(?!main\.ts|cli\.ts)[^/]+\.ts$/
  return {
    any: ['src/domain/', 'src/pbx-settings/', neighbours],
    types: ['src/hub/', ...rooms.map((room) => `src/${room}/`)],
  }
}

/** Third-party packages outside their home, and packages without one. */
export function homeFaults(module: Module): readonly string[] {
  return importsOf(module).flatMap(({ target }) => {
    if (target.startsWith('src/') || (target.startsWith('node:') && !homes[target])) return []
    const name = target.startsWith('node:') ? target : packageName(target)
    const home = homes[name]
    if (!home) return [`${module.path} imports ${name}, which has no home in test/architecture/rules.ts`]
    return home.some((way) => covers(way, module.path))
      ? []
      : [`${module.path} imports ${name}, whose home is ${home.join(', ')}`]
  })
}

/** What makes a domain module impure. */
export function purityFaults(module: Module): readonly string[] {
  if (roomOf(module.path) !== 'domain') return []
  return importsOf(module).flatMap(({ target, names, typeOnly }) => {
    if (typeOnly || !target.startsWith('node:')) return []
    if (names.length > 0 && names.every((name) => pure[target]?.includes(name))) return []
    return [`${module.path} must stay pure but imports ${names.join(', ') || 'all'} from ${target}`]
  })
}

/** Default exports, files that hand on what others export, vague names, long files, and unfinished work. */
export function shapeFaults({ path, text }: Module): readonly string[] {
  const faults: string[] = []
  const lines = text.split('\n').length
  if (/^export\s+default\b/m.test(text)) faults.push(`${path} has a default export`)
  if (/^export\s+(type\s+)?(\*|\{[^}]*\}\s*from\b)/m.test(text)) faults.push(`${path} hands on another file's exports`)
  if (/(^|[/-])(utils?|helpers?|common|manager|service|types|index)\.ts$/.test(path))
    faults.push(`${path} is named vaguely`)
  // A migration is frozen once it is released; cutting it up later would change it.
  if (lines > 301 && !path.includes('/migrations/')) faults.push(`${path} has ${lines - 1} lines; 300 is the limit`)
  if (/\b(TODO|FIXME|XXX|HACK)\b/.test(text)) faults.push(`${path} has unfinished work in it`)
  return faults
}

function roomOf(path: string): string | null {
  return /^src\/([^/]+)\//.exec(path)?.[1] ?? null
}

function kindOf(path: string): string | null {
  return /^src\/pbx\/([^/]+)\//.exec(path)?.[1] ?? null
}

function covers(way: Way, path: string): boolean {
  if (way instanceof RegExp) return way.test(path)
  return way.endsWith('/') ? path.startsWith(way) : path === way
}

function resolved(path: string, from: string): string {
  if (!from.startsWith('.')) return from
  return new URL(from, `file:///${path}`).pathname.slice(1)
}

function packageName(target: string): string {
  return target
    .split('/')
    .slice(0, target.startsWith('@') ? 2 : 1)
    .join('/')
}
