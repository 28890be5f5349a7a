import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { XMLParser, XMLValidator } from 'fast-xml-parser'
import jsQR from 'jsqr'
import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import { type QrLevel, qrLevel, svg, terminal } from '../../src/phones/qr.ts'
import { tunnelConfiguration } from '../../src/phones/tunnel-configuration.ts'
import { describeLive } from '../setup/requirements.ts'

const address = 'https://phones.example.com/p/AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-_AbCde/linphone.xml'

function tunnelWith(prefixes: number): string {
  const key = (byte: number) => Buffer.alloc(32, byte).toString('base64')
  return tunnelConfiguration(
    {
      privateKey: new Secret(key(1)),
      presharedKey: new Secret(key(2)),
      hubPublicKey: key(3),
      addresses: ['10.77.0.12/32'],
      allowedIps: Array.from({ length: prefixes }, (_, index) => `10.${index}.240.111/32`),
      hubEndpoint: 'vpn.example.com:51820',
    },
    'handset',
  )
}

type Matrix = readonly (readonly boolean[])[]

/** Draws the path of dark modules as a browser would. */
function matrixOfSvg(markup: string): Matrix {
  expect(XMLValidator.validate(markup)).toBe(true)
  const [, size] = /viewBox="0 0 (\d+) \1"/.exec(markup)!
  const matrix = Array.from({ length: Number(size) }, () => new Array<boolean>(Number(size)).fill(false))
  const [, path] = /<path fill="#000" d="([^"]*)"/.exec(markup)!
  const stroke = /M(\d+) (\d+)h(\d+)v1h-\3z/y
  let drawn = 0
  for (let match = stroke.exec(path!); match; match = stroke.exec(path!)) {
    const [x, y, length] = match.slice(1).map(Number) as [number, number, number]
    matrix[y]!.fill(true, x, x + length)
    drawn = stroke.lastIndex
  }
  expect(drawn).toBe(path!.length)
  return matrix
}

/** What a terminal shows: the colours as set, whatever its own are. */
function matrixOfTerminal(text: string): Matrix {
  const lines = text.trimEnd().split('\n')
  const rows = lines.flatMap((line) => {
    const cells = /^\u001b\[38;5;16;48;5;231m([ ▀▄█]+)\u001b\[0m$/.exec(line)
    expect(cells, line).not.toBeNull()
    return [
      [...cells![1]!].map((cell) => cell === '▀' || cell === '█'),
      [...cells![1]!].map((cell) => cell === '▄' || cell === '█'),
    ]
  })
  // Modules come in an odd number of rows; the last half row is white.
  const extra = rows.length === rows[0]!.length + 1 ? rows.pop() : []
  expect(extra!.some(Boolean)).toBe(false)
  return rows
}

function pixels(matrix: Matrix, scale = 4) {
  const side = matrix.length * scale
  const data = new Uint8ClampedArray(side * side * 4).fill(255)
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      if (matrix[Math.floor(y / scale)]![Math.floor(x / scale)])
        data.fill(0, (y * side + x) * 4, (y * side + x) * 4 + 3)
    }
  }
  return { data, side }
}

function decode(matrix: Matrix): string | undefined {
  const { data, side } = pixels(matrix)
  return jsQR.default(data, side, side)?.data
}

const cases: readonly (readonly [string, string, QrLevel])[] = [
  ['a softphone address', address, 'Q'],
  ['a tunnel', tunnelWith(2), 'M'],
  ['a tunnel with many prefixes', tunnelWith(30), 'L'],
]

describe.each(cases)('the code of %s', (_, text, level) => {
  test('is read back from the page and from the terminal', () => {
    const onPage = matrixOfSvg(svg(text, level, 'code'))
    expect(decode(onPage)).toBe(text)
    const inTerminal = matrixOfTerminal(terminal(text, level))
    expect(inTerminal).toEqual(onPage)
    expect(decode(inTerminal)).toBe(text)
  })

  test('has four modules of white on every side', () => {
    const matrix = matrixOfSvg(svg(text, level, 'code'))
    const dark = matrix.flatMap((row, y) => row.flatMap((on, x) => (on ? [{ x, y }] : [])))
    const last = matrix.length - 1
    for (const axis of ['x', 'y'] as const) {
      expect(Math.min(...dark.map((module) => module[axis]))).toBe(4)
      expect(Math.max(...dark.map((module) => module[axis]))).toBe(last - 4)
    }
  })
})

describeLive('another reader', ['zbarimg'], () => {
  test.each(cases)('reads back the code of %s', async (_, text, level) => {
    const folder = await mkdtemp(join(tmpdir(), 'ringfence-qr-'))
    try {
      const { data, side } = pixels(matrixOfSvg(svg(text, level, 'code')))
      const path = join(folder, 'code.pgm')
      const grey = Buffer.from(data.filter((_, index) => index % 4 === 0))
      await writeFile(path, Buffer.concat([Buffer.from(`P5 ${side} ${side} 255\n`), grey]))
      const read = spawnSync('zbarimg', ['--quiet', '--raw', '-Sdisable', '-Sqrcode.enable', path], {
        encoding: 'utf8',
      })
      expect(read.stdout.trimEnd()).toBe(text.trimEnd())
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})

describe('a code', () => {
  test('is made at M for a tunnel, at L where M would be too fine for a camera, at Q for an address', () => {
    expect(qrLevel('tunnel', tunnelWith(2))).toBe('M')
    expect(qrLevel('tunnel', tunnelWith(30))).toBe('L')
    expect(qrLevel('tunnel', 'x'.repeat(2_600))).toBe('L')
    expect(qrLevel('address', address)).toBe('Q')
  })

  test('says to a screen reader what it is, whatever the title', () => {
    const markup = svg(address, 'Q', 'Ada\'s "phone" <1001> & more')
    const parsed = new XMLParser({ ignoreAttributes: false, attributeNamePrefix: '', htmlEntities: true }).parse(
      markup,
    ) as {
      svg: { role: string; title: string; 'aria-label': string }
    }
    expect(parsed.svg).toMatchObject({
      role: 'img',
      title: 'Ada\'s "phone" <1001> & more',
      'aria-label': 'Ada\'s "phone" <1001> & more',
    })
  })

  test('needs nothing that a strict content security policy refuses', () => {
    expect(svg(address, 'Q', 'code')).not.toMatch(/style|<script|href|url\(/)
  })

  test('that would hold too much is refused with a way out', () => {
    expect(() => svg('x'.repeat(3_000), 'L', 'code')).toThrow(
      expect.objectContaining({ code: 'TOO_LARGE', hint: expect.stringContaining('download') }),
    )
  })
})
