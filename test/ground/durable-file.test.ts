import { spawn } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  watch,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  aboutFolder,
  appendDurably,
  createDurably,
  privateFolder,
  readIfThere,
  removeDurably,
  writeDurably,
  writeForFoldersGroup,
  writeIfOther,
  writingInto,
} from '../../src/durable-file.ts'

const source = join(import.meta.dirname, '../../src/durable-file.ts')
let folder: string
let path: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), `ringfence-durable-${process.pid}-`))
  path = join(folder, 'file')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const mode = (name: string) => statSync(name).mode & 0o777

describe('a file that is replaced', () => {
  test('has the new content, the mode that was asked for whatever the umask, and leaves nothing beside it', async () => {
    const before = process.umask(0o077)
    try {
      await writeDurably(path, 'old', 0o644)
      expect([readFileSync(path, 'utf8'), mode(path)]).toEqual(['old', 0o644])
      await writeDurably(path, Buffer.from('new'))
      expect([readFileSync(path, 'utf8'), mode(path)]).toEqual(['new', 0o600])
    } finally {
      process.umask(before)
    }
    expect(readdirSync(folder)).toEqual(['file'])
  })

  test('with what it holds already is left alone, and is replaced for anything else', async () => {
    expect(await readIfThere(path)).toBeNull()
    await writeIfOther(path, 'old', 0o640)
    const { ino } = statSync(path)
    await writeIfOther(path, Buffer.from('old'), 0o640)
    expect([statSync(path).ino, mode(path)]).toEqual([ino, 0o640])
    await writeIfOther(path, 'new', 0o640)
    expect(statSync(path).ino).not.toBe(ino)
    expect([await readIfThere(path, 'utf8'), await readIfThere(path)]).toEqual(['new', Buffer.from('new')])
  })

  test('that is there and cannot be read is an error, and not taken for a missing one', async () => {
    await privateFolder(path)
    await expect(readIfThere(path)).rejects.toThrow(/EISDIR/)
    await expect(writeIfOther(path, 'new')).rejects.toThrow(/EISDIR/)
  })

  test('that cannot be written stays as it was, with nothing left beside it', async () => {
    await privateFolder(join(path, 'in-the-way'))
    await expect(writeDurably(path, 'new')).rejects.toThrow(/EISDIR|ENOTEMPTY|EEXIST/)
    expect(readdirSync(folder)).toEqual(['file'])
  })

  test('is replaced itself where it is a link: what the link led to stays', async () => {
    const elsewhere = join(folder, 'elsewhere')
    writeFileSync(elsewhere, 'untouched')
    symlinkSync(elsewhere, path)
    await writeDurably(path, 'new')
    expect([readFileSync(elsewhere, 'utf8'), readFileSync(path, 'utf8')]).toEqual(['untouched', 'new'])
  })

  test('is whole after each of 40 kills in the middle of writing', async () => {
    const size = 300_000
    const seen = new Set<string>()
    await writeDurably(path, 'a'.repeat(size))
    for (let round = 0; round < 40; round++) {
      await killedWhileWriting(
        `
        for (let n = 0; ; n++) {
          await writeDurably(path, String.fromCharCode(97 + (n % 26)).repeat(${size}))
          if (n === 0) console.log('going')
        }`,
        round,
      )
      const text = readFileSync(path, 'utf8')
      expect(text.length).toBe(size)
      expect(text).toBe(text[0]!.repeat(size))
      seen.add(text[0]!)
    }
    // Otherwise nothing was written at all, and the test shows nothing.
    expect(seen.size).toBeGreaterThan(1)
  })
})

describe('a file that is made once', () => {
  test('is not replaced, and the second one is told', async () => {
    expect(await createDurably(path, 'first')).toBe(true)
    expect(await createDurably(path, 'second')).toBe(false)
    expect([readFileSync(path, 'utf8'), mode(path)]).toEqual(['first', 0o600])
    expect(readdirSync(folder)).toEqual(['file'])
  })

  test('is made by exactly one of many that try at the same moment', async () => {
    const made = await Promise.all(Array.from({ length: 50 }, (_, n) => createDurably(path, `from ${n}`)))
    expect(made.filter(Boolean)).toHaveLength(1)
    expect(readFileSync(path, 'utf8')).toBe(`from ${made.indexOf(true)}`)
    expect(readdirSync(folder)).toEqual(['file'])
  })
})

describe('a file that grows', () => {
  test('is private, and keeps every line', async () => {
    await appendDurably(path, 'one')
    await appendDurably(path, 'two')
    expect([readFileSync(path, 'utf8'), mode(path)]).toEqual(['one\ntwo\n', 0o600])
  })

  test('holds each line whose writing was reported, after a kill', async () => {
    for (let round = 0; round < 8; round++) {
      rmSync(path, { force: true })
      const told = await killedWhileWriting(
        `for (let n = 0; ; n++) { await appendDurably(path, 'line ' + n + '-'.repeat(2000)); console.log('going ' + n) }`,
        round,
      )
      const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1)
      const last = Number(told.trim().split('\n').at(-1)!.split(' ')[1])
      expect(lines.length).toBeGreaterThan(last)
      expect(lines.map((line) => line.split('-')[0])).toEqual(lines.map((_, n) => `line ${n}`))
    }
  })
})

test('removing a file that is not there is fine', async () => {
  writeFileSync(path, 'x')
  await removeDurably(path)
  await removeDurably(path)
  expect(existsSync(path)).toBe(false)
})

describe('a folder for one user alone', () => {
  test('is made closed to others, with those above it', async () => {
    await privateFolder(join(folder, 'a', 'b'))
    expect([mode(join(folder, 'a')), mode(join(folder, 'a', 'b'))]).toEqual([0o700, 0o700])
  })

  test.each([0o755, 0o750, 0o777, 0o701])('is closed when it was there and open (%o)', async (open) => {
    chmodSync(folder, open)
    await privateFolder(folder)
    expect(mode(folder)).toBe(0o700)
    chmodSync(folder, open)
    await privateFolder(folder, ['vault.json'])
    expect(mode(folder)).toBe(0o700)
    writeFileSync(join(folder, 'vault.json'), '')
    writeFileSync(join(folder, 'other'), '')
    chmodSync(folder, open)
    await privateFolder(folder, ['vault.json'])
    expect(mode(folder)).toBe(0o700)
  })

  const refused = async (name: string, ...holds: readonly [readonly string[]] | readonly []) =>
    privateFolder(name, ...holds).then(
      () => expect.fail('it was taken'),
      (error) => expect(error).toMatchObject({ code: 'CONFIG_INVALID', hint: expect.stringMatching(/./) }),
    )

  test('is never the folder of everything: what others have in it is not shut away from them', async () => {
    writeFileSync(path, '')
    for (const open of [0o755, 0o1777]) {
      chmodSync(folder, open)
      await refused(folder, ['vault.json'])
      expect(statSync(folder).mode & 0o7777).toBe(open)
    }
    await refused(folder)
  })

  test('is not a link, not a file, and nobody else’s', async () => {
    symlinkSync(folder, path)
    await refused(path)
    symlinkSync(join(folder, 'nowhere'), join(folder, 'dangling'))
    await refused(join(folder, 'dangling'))
    writeFileSync(join(folder, 'letter'), '')
    await refused(join(folder, 'letter'))
    if (process.getuid?.() !== 0) return
    const theirs = join(folder, 'theirs')
    mkdirSync(theirs, { mode: 0o700 })
    chownSync(theirs, 65_534, 65_534)
    await refused(theirs)
    expect([mode(theirs), statSync(theirs).uid]).toEqual([0o700, 65_534])
  })
})

describe('a folder that a setting names', () => {
  const named = (path: string) => ({ folder: path, name: 'RINGFENCE_EDGE_DIR', group: 'kamailio' })

  test('is told with the setting and the command that makes it, where nothing can be written', async () => {
    writeFileSync(join(folder, 'letter'), '')
    const below = join(folder, 'letter', 'below')
    await expect(writingInto(named(below), () => writeDurably(join(below, 'x'), ''))).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: `${below} (RINGFENCE_EDGE_DIR) cannot be written to (ENOTDIR)`,
      hint: expect.stringContaining(`install -d -m 2750 -o ringfence -g kamailio ${below}`),
    })
    const shared = { ...named(below), isShared: true }
    await expect(writingInto(shared, () => writeDurably(join(below, 'x'), ''))).rejects.toMatchObject({
      hint: expect.stringContaining('install -d -m 2770 '),
    })
  })

  test('is told with a drop-in where the sandbox of the service lets it be read only', () => {
    expect(aboutFolder(Object.assign(new Error(), { code: 'EROFS' }), named('/srv/edge'))).toMatchObject({
      message: '/srv/edge (RINGFENCE_EDGE_DIR) may only be read here',
      hint: expect.stringContaining('ReadWritePaths=/srv/edge'),
    })
    const other = new Error('of the program')
    expect(aboutFolder(other, named('/srv/edge'))).toBe(other)
  })

  test('gives its group to the files in it', async () => {
    if (process.getuid?.() !== 0) return
    chownSync(folder, 0, 65_534)
    await writeForFoldersGroup(path, 'x', 0o640)
    expect(statSync(path)).toMatchObject({ uid: 0, gid: 65_534 })
    expect(mode(path)).toBe(0o640)
  })

  test('gives nobody else’s file to that group, when somebody swaps the new file for a link to it', async () => {
    if (process.getuid?.() !== 0) return
    const shared = join(folder, 'shared')
    const theirs = join(folder, 'theirs')
    const written = join(shared, 'file')
    mkdirSync(shared)
    chownSync(shared, 0, 65_534)
    writeFileSync(theirs, 'x')
    const isLink = () => lstatSync(written, { throwIfNoEntry: false })?.isSymbolicLink() === true
    const watcher = watch(shared, () => {
      if (!existsSync(written) || isLink()) return
      rmSync(written)
      symlinkSync(theirs, written)
    })
    try {
      await writeForFoldersGroup(written, 'x', 0o640)
      await vi.waitFor(() => expect(isLink()).toBe(true))
    } finally {
      watcher.close()
    }
    expect(statSync(theirs).gid).toBe(0)
  })
})

/** Kills a program a few milliseconds after its first word, later with every round; what it said until then. */
function killedWhileWriting(program: string, round: number): Promise<string> {
  const head = `import * as file from ${JSON.stringify(source)}
    const { writeDurably, appendDurably } = file; const path = process.argv[1]\n`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', head + program, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let told = ''
  return new Promise((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      if (told === '') setTimeout(() => child.kill('SIGKILL'), (round * 7) % 40)
      told += chunk
    })
    child.on('error', reject)
    child.on('close', (_code, signal) =>
      signal === 'SIGKILL' ? resolve(told) : reject(new Error(`the writer ended by itself: ${told}`)),
    )
  })
}
