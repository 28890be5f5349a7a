import type { Actor } from '../../src/domain/token.ts'
import { AppError } from '../../src/errors.ts'
import type { Application, EmployeeView } from '../../src/journeys/application.ts'
import type { FilePreview } from '../../src/journeys/file-view.ts'

type TemplateDeeds = Pick<Application, 'handsetFiles' | 'previewFile' | 'reloadTemplates'>

/** Files of handsets for the tests of the doors: each has one, and it changed since it was fetched. */
export function fakeTemplates(
  people: () => Iterable<EmployeeView>,
  did: (deed: string, actor: Actor) => void,
): TemplateDeeds {
  const previewsOf = (handsetId: string): readonly FilePreview[] => {
    const handset = [...people()].flatMap(({ handsets }) => handsets).find(({ id }) => id === handsetId)
    if (!handset) throw new AppError('NOT_FOUND', 'there is no such handset', { hint: '`ringfence show` lists them' })
    return handset.files.map((fileName) => ({
      handsetId,
      fileName,
      purpose: 'the account',
      template: 'phones/yealink/phone.cfg',
      ownTemplate: true,
      fetchedAt: '2026-11-20T08:00:00.000Z',
      differs: true,
      contentType: 'text/plain',
      body: '[account]\nname\t= Eve\u001b[2J\npassword = masked-sip-secret-g2\n',
      settings: [{ name: 'language', value: 'de', layer: 'model' }],
      diff: '--- last fetched\n+++ now\n@@ -3 +3 @@\n-password = masked-sip-secret-g1\n+password = masked-sip-secret-g2\n',
    }))
  }
  return {
    handsetFiles: async (handsetId) =>
      previewsOf(handsetId).map(({ fileName, purpose, template, ownTemplate, fetchedAt, differs }) => ({
        fileName,
        purpose,
        template,
        ownTemplate,
        fetchedAt,
        differs,
      })),
    async previewFile(handsetId, fileName) {
      const file = previewsOf(handsetId).find((one) => one.fileName === fileName)
      if (!file) throw new AppError('NOT_FOUND', 'this handset has no such file')
      return file
    },
    async reloadTemplates({ dryRun }, actor) {
      did(`reloadTemplates:${dryRun ? 'dry run' : 'in earnest'}`, actor)
      const changes = [...people()].flatMap(({ id: employeeId, handsets }) =>
        handsets.map(({ id: handsetId, model, files }) => ({ handsetId, employeeId, model, files })),
      )
      return { dryRun, replaced: ['phones/yealink/phone.cfg'], unused: ['phones/yealink/phone.cgf'], changes }
    },
  }
}
