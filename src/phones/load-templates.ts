import { catalogueOf } from './catalogue.ts'
import type { LoadedTemplates } from './phone-port.ts'
import { readTemplateTree, type TemplateSource } from './template-tree.ts'

/** The catalogue as the folders are now. @throws AppError TEMPLATE_INVALID naming each file that is wrong, and the line */
export async function loadTemplates(source: TemplateSource): Promise<LoadedTemplates> {
  const tree = await readTemplateTree(source)
  return { catalogue: await catalogueOf(tree), replaced: tree.replaced, unused: tree.unused() }
}
