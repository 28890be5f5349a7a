import { existsSync, readFileSync } from 'node:fs'
import { createServer, type PeerCertificate, type TLSSocket } from 'node:tls'
import { type Door, openDoor } from './door.ts'

/**
 * The TLS port of a sofia profile with `tls-verify-policy` `in|subjects_in`, as its sources have it (tport_tls.c, tport.c of
 * freeswitch/sofia-sip; sofia.c, switch_xml.c of signalwire/freeswitch). The handshake is a real one, names are compared
 * after it, and the list is what was in the file when the profile was started. Never compared with a real one.
 */
export interface FakeSofiaPort {
  readonly door: Door
  /** `in` alone: names are not looked at. */
  policy: 'in' | 'in|subjects_in'
  /** The file is included; false: the parameter is not there. */
  included: boolean
  /** Reads the parameters anew; every connection ends. */
  restart(): Promise<void>
  /** cafile.pem. */
  trust(ca: string): void
  /** What it does instead of answering SIP. */
  fault: 'silent' | 'no-sip' | null
}

export async function startFakeSofiaPort(
  listFile: string,
  tls: { readonly cert: string; readonly key: string; readonly ca: string },
): Promise<FakeSofiaPort> {
  const server = createServer({ ...tls, requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.2' })
  let [list, verifiesNames]: [readonly string[], boolean] = [[], false]
  server.on('secureConnection', (socket: TLSSocket) => {
    socket.on('error', () => undefined)
    const names = namesIn(socket.getPeerCertificate())
    // Without a list, or with an empty one, every certificate of the authority is good enough.
    const isLet = !verifiesNames || list.length === 0 || list.some((one) => names.includes(one.toLowerCase()))
    if (!isLet) return socket.destroy()
    socket.on('data', (chunk: Buffer) => {
      if (fake.fault === 'silent') return
      if (fake.fault === 'no-sip') return socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')
      if (chunk.toString().startsWith('OPTIONS ')) socket.write('SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n')
    })
  })
  const load = () => {
    list = fake.included ? subjectsIn(listFile) : []
    verifiesNames = fake.policy === 'in|subjects_in'
  }
  const fake: FakeSofiaPort = {
    door: await openDoor(server),
    policy: 'in|subjects_in',
    included: true,
    fault: null,
    trust: (ca) => server.setSecureContext({ ...tls, ca }),
    async restart() {
      await fake.door.shut()
      load()
      await fake.door.open()
    },
  }
  load()
  return fake
}

/** DNS and URI names, then the CN; of a SIP URI what stands behind the scheme. */
function namesIn({ subjectaltname = '', subject }: PeerCertificate): readonly string[] {
  const alternative = subjectaltname.split(', ').flatMap((entry) => /^(?:DNS|URI):(.*)$/.exec(entry)?.[1] ?? [])
  return [...alternative, subject.CN].flat().map((name) => String(name).replace(/^sip:/i, '').toLowerCase())
}

/** preprocess() of switch_xml.c: lines with <include> are dropped, a line is cut at DLINE_MAX_SIZE; then the parameter. */
function subjectsIn(path: string): readonly string[] {
  // preprocess_glob(): "No files to include", and goes on.
  if (!existsSync(path)) return []
  const lines = readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => !/<\/?include>|<\?/.test(line))
    .map((line) => line.slice(0, 1_048_576))
  const [, value = ''] = /<param name="tls-verify-in-subjects" value="([^"]*)"\/>/.exec(lines.join('\n')) ?? []
  return value === '' ? [] : value.split('|')
}
