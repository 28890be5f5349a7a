import { AppError } from '../../errors.ts'
import type { AccountChanges, AccountWriter } from './account-writer.ts'
import { type AmiSession, field } from './ami-conversation.ts'
import { accountText, sentinelName, withEdge } from './asterisk-config.ts'
import { changeBlocks, folderProblem, readBlocks, writeTransports } from './asterisk-folder.ts'
import { shownAors } from './asterisk-lists.ts'
import type { AsteriskFolder } from './asterisk-options.ts'

/** Accounts in a file that pjsip.conf includes. It can be changed while Asterisk is down. */
export function fileWriter(folder: AsteriskFolder | null, edge: string | null): AccountWriter {
  if (!folder) throw new AppError('CONFIG_INVALID', 'accounts in files need a folder that pjsip.conf includes')
  const { configDir, transports } = folder
  const withEdgeNow = (blocks: ReadonlyMap<string, string>) => {
    const aligned = [...blocks].map(([extension, before]) => [extension, withEdge(before, edge)] as const)
    return new Map(aligned.filter(([extension, text]) => text !== blocks.get(extension)))
  }
  return {
    managerActions: ['Reload', 'PJSIPShowAors'],
    async look(extensions) {
      const blocks = await readBlocks(configDir)
      return { ours: new Set(extensions.filter((extension) => blocks.has(extension))), foreign: new Set() }
    },
    async write(changes: AccountChanges) {
      await writeTransports(configDir, transports)
      const texts = [...changes].map(
        ([extension, { objects }]) => [extension, objects === null ? null : accountText(objects)] as const,
      )
      await changeBlocks(configDir, await readBlocks(configDir), new Map(texts))
    },
    async align() {
      const blocks = await readBlocks(configDir)
      const changed = withEdgeNow(blocks)
      await changeBlocks(configDir, blocks, changed)
      return [...changed.keys()]
    },
    unaligned: async () => [...withEdgeNow(await readBlocks(configDir)).keys()],
    takeOver: async (session) => void (await session.act({ Action: 'Reload', Module: 'res_pjsip.so' })),
    problems: (session) => folderProblems(session, configDir),
  }
}

/** What keeps Asterisk from reading our folder, or us from writing it. */
export async function folderProblems(session: AmiSession, configDir: string) {
  const found = await Promise.all([includeProblem(session, configDir), folderProblem(configDir)])
  return found.filter((problem) => problem !== null)
}

async function includeProblem(session: AmiSession, folder: string) {
  const aors = await shownAors(session)
  if (aors.some((aor) => field(aor, 'ObjectName') === sentinelName)) return null
  return {
    message: `Asterisk does not read the files in ${folder}`,
    hint: `add the line \`#include ${folder}/*.conf\` at the end of pjsip.conf and run: asterisk -rx "module reload res_pjsip.so"`,
  }
}
