import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { validate } from 'dockerfile-utils'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { readConfig } from '../../src/config.ts'

const checkout = join(import.meta.dirname, '../..')
const read = (name: string): string => readFileSync(join(checkout, name), 'utf8')

/** Every key that the file uses must be named here: a new one wants a thought about what it opens. */
const serviceSchema = z.strictObject({
  build: z.literal('.'),
  image: z.string(),
  command: z.array(z.string()),
  user: z.string().optional(),
  cap_drop: z.array(z.string()),
  cap_add: z.array(z.string()).optional(),
  devices: z.array(z.string()).optional(),
  sysctls: z.record(z.string(), z.string()).optional(),
  security_opt: z.array(z.string()),
  read_only: z.boolean(),
  tmpfs: z.array(z.string()),
  init: z.boolean(),
  restart: z.string(),
  environment: z.record(z.string(), z.string()),
  volumes: z.array(z.string()),
  ports: z.array(z.string()).optional(),
  secrets: z.array(z.string()).optional(),
  network_mode: z.string().optional(),
  depends_on: z.record(z.string(), z.strictObject({ condition: z.string(), restart: z.boolean() })).optional(),
  healthcheck: z
    .strictObject({ test: z.array(z.string()), interval: z.string(), timeout: z.string(), start_period: z.string() })
    .optional(),
})

const composeSchema = z.strictObject({
  'x-network': z.record(z.string(), z.string()),
  services: z.strictObject({ server: serviceSchema, hub: serviceSchema }),
  volumes: z.record(z.string(), z.null()),
  secrets: z.record(z.string(), z.strictObject({ file: z.string() })),
})

const { services, secrets } = composeSchema.parse(parse(read('compose.yaml'), { merge: true }))
const { server, hub } = services

describe('the image', () => {
  const instructions = read('Dockerfile')
    .replaceAll(/^\s*#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, ' ')
    .split('\n')
    .filter(Boolean)
    .map((line) => ({ name: line.split(' ')[0] ?? '', rest: line.slice(line.indexOf(' ') + 1) }))
  const of = (name: string) => instructions.filter((each) => each.name === name).map(({ rest }) => rest)

  test('has a Dockerfile without syntax errors', () => {
    expect(validate(read('Dockerfile'))).toEqual([])
    expect(validate('FROM a\nFROBNICATE b\n')).not.toEqual([])
  })

  test('is built on Node 24 in both stages and copies from a stage that exists', () => {
    expect(of('FROM')).toEqual(['node:24-bookworm-slim AS dependencies', 'node:24-bookworm-slim'])
    expect(of('COPY').filter((rest) => rest.startsWith('--from='))).toEqual([
      '--from=dependencies /opt/ringfence/node_modules ./node_modules',
    ])
  })

  test('carries production packages only and runs none of their scripts', () => {
    const install = of('RUN').filter((rest) => rest.includes('npm'))
    expect(install).toEqual([expect.stringMatching(/^npm ci .*--omit=dev .*--ignore-scripts/)])
  })

  test('brings the programs that the hub needs', () => {
    const install = of('RUN').find((rest) => rest.includes('apt-get install')) ?? ''
    for (const name of ['iproute2', 'nftables', 'wireguard-go', 'wireguard-tools'])
      expect(install).toContain(` ${name} `)
  })

  test('runs as a plain user and says how it is', () => {
    expect(of('USER')).toEqual(['node'])
    expect(of('HEALTHCHECK')).toEqual([expect.stringContaining('/healthz')])
    expect(of('VOLUME')).toEqual(['/var/lib/ringfence'])
    expect(of('EXPOSE')).toEqual(['8080 8443'])
  })

  test('gets nothing from the checkout but what it is made of', () => {
    const allowed = read('.dockerignore')
      .split('\n')
      .filter((line) => line && !line.startsWith('#'))
    expect(allowed[0]).toBe('*')
    const [letIn, keptOut] = [
      allowed.filter((line) => line.startsWith('!')).map((line) => line.slice(1)),
      allowed.slice(1).filter((line) => !line.startsWith('!')),
    ]
    expect(keptOut).toEqual(['docs/screenshots'])
    const copied = of('COPY')
      .filter((rest) => !rest.startsWith('--from='))
      .flatMap((rest) => rest.split(' ').slice(0, -1))
    expect(new Set(copied)).toEqual(new Set(letIn))
    for (const name of copied) expect(existsSync(join(checkout, name)), `${name} is there to be copied`).toBe(true)
  })
})

describe('the compose file', () => {
  test.each(Object.entries(services))('takes all capabilities from the %s and forbids new ones', (_name, service) => {
    expect(service.cap_drop).toEqual(['ALL'])
    expect(service.security_opt).toEqual(['no-new-privileges:true'])
    expect(service.read_only).toBe(true)
  })

  test('gives the hub CAP_NET_ADMIN and one device, and the server nothing', () => {
    expect(hub.cap_add).toEqual(['NET_ADMIN'])
    expect(hub.devices).toEqual(['/dev/net/tun'])
    expect(server.cap_add).toBeUndefined()
    expect(server.devices).toBeUndefined()
    // The image's own user, not root.
    expect(server.user).toBeUndefined()
  })

  test("lets the hub's socket be reached by the server's group only", () => {
    expect(hub.user).toBe('0:1000')
    for (const { volumes } of [hub, server]) expect(volumes).toContain('hub-socket:/run/ringfence')
    expect(hub.environment.RINGFENCE_HUB_SOCKET).toBe('/run/ringfence/hub.sock')
  })

  test('keeps the data of each role from the other', () => {
    expect(server.volumes.filter((volume) => hub.volumes.includes(volume))).toEqual(['hub-socket:/run/ringfence'])
  })

  test('publishes the console to this machine only', () => {
    const consolePorts = (hub.ports ?? []).filter((port) => port.endsWith(':8080'))
    expect(consolePorts).toEqual(['127.0.0.1:8080:8080'])
    expect(server.ports).toBeUndefined()
    expect(hub.ports).toContain('51820:51820/udp')
  })

  test('watches both: the server by the image, the hub by its socket', () => {
    expect(hub.healthcheck?.test.join(' ')).toContain('RINGFENCE_HUB_SOCKET')
    expect(server.depends_on?.hub).toEqual({ condition: 'service_healthy', restart: true })
  })

  test('hands in the passphrase as a file, never as a variable', () => {
    expect(secrets.passphrase?.file).toBe('./secrets/passphrase')
    expect(server.secrets).toEqual(['passphrase'])
    expect(hub.secrets).toBeUndefined()
    for (const { environment } of [hub, server]) {
      expect(Object.keys(environment).filter((name) => /(PASSPHRASE|SECRET|TOKEN)$/.test(name))).toEqual([])
    }
  })

  test.each(Object.entries(services))('gives the %s settings that Ringfence takes', (_name, { environment }) => {
    const { RINGFENCE_PASSPHRASE_FILE: _mounted, ...rest } = environment
    // What compose would fill in where the admin set nothing.
    const env = Object.fromEntries(
      Object.entries(rest).map(([name, value]) => [name, value.replace(/\$\{\w+:-([^}]*)\}/, '$1')]),
    )
    const config = readConfig(env)
    expect(config.hub).toMatchObject({ separate: true, listenPort: 51820, masquerade: true })
    expect(config.demo).toEqual(_name === 'server' ? [] : [expect.stringContaining('PHONE_URL')])
  })

  test('lets the door inside the VPN and the public one listen side by side', () => {
    const { RINGFENCE_PASSPHRASE_FILE: _mounted, ...env } = server.environment
    const filled = Object.fromEntries(
      Object.entries(env).map(([name, value]) => [name, value.replace(/\$\{\w+:-([^}]*)\}/, '$1')]),
    )
    const { phoneDoor } = readConfig(filled)
    expect(phoneDoor.inTunnel?.port).not.toBe(phoneDoor.port)
  })
})
