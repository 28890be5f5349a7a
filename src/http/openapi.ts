import { z } from 'zod'
import { namedShapes } from './api-shapes.ts'
import { problemContentType } from './problem.ts'
import type { Route } from './route.ts'

type Schema = Readonly<Record<string, unknown>>

/** OpenAPI 3.1 of the declared routes: what is served is what is described, since both come from one line. */
export function openApiDocument(routes: readonly Route[], version: string): Schema {
  const registry = z.registry<{ id: string }>()
  for (const [id, shape] of Object.entries(namedShapes)) registry.add(shape, { id })
  const { schemas } = z.toJSONSchema(registry, { uri: (id) => `#/components/schemas/${id}`, io: 'input' })

  const paths: Record<string, Record<string, Schema>> = {}
  for (const route of routes) {
    if (route.page) continue
    const path = route.path.replace(/:([A-Za-z]+)/g, '{$1}')
    paths[path] = { ...paths[path], [route.method]: operation(route) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Ringfence',
      version,
      description: 'Hands out home-office phones, takes them back, and shows that every door is shut.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    paths,
    components: {
      schemas: Object.fromEntries(Object.entries(schemas).map(([id, schema]) => [id, withoutIds(schema)])),
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
    },
  }
}

function operation({ method, path, authority, contract }: Route): Schema {
  const answer = contract.answer
  return {
    operationId: `${method} ${path.replace('/api/v1', '')}`.replace(/[^A-Za-z]+(.)?/g, (_, next = '') =>
      next.toUpperCase(),
    ),
    summary: contract.summary,
    ...(authority === 'public' ? { security: [] } : { security: [{ token: [] }], 'x-authority': authority }),
    parameters: parameters(path, contract),
    ...(contract.body === undefined ? {} : { requestBody: requestBody(contract.body) }),
    responses: {
      [contract.status ?? 200]: {
        description: contract.summary,
        content:
          typeof answer === 'string' ? { [answer]: { schema: { type: 'string' } } } : jsonContent(schemaOf(answer)),
      },
      default: {
        description: 'what went wrong',
        content: { [problemContentType]: { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    },
  }
}

function parameters(path: string, contract: Route['contract']): readonly Schema[] {
  const inPath = [...path.matchAll(/:([A-Za-z]+)/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }))
  const query =
    contract.query instanceof z.ZodObject ? Object.entries(contract.query.shape as Record<string, z.ZodType>) : []
  const inQuery = query.map(([name, schema]) => ({ name, in: 'query', required: false, schema: inline(schema) }))
  const prefer = { name: 'Prefer', in: 'header', required: false, schema: { type: 'string', examples: ['wait=10'] } }
  return [...inPath, ...inQuery, ...(contract.waits ? [prefer] : [])]
}

function requestBody(body: NonNullable<Route['contract']['body']>): Schema {
  if (body === 'csv') return { required: true, content: { 'text/csv': { schema: { type: 'string' } } } }
  if ('upload' in body) return { content: { 'multipart/form-data': {} } }
  if ('form' in body) return { content: { 'application/x-www-form-urlencoded': { schema: inline(body.form) } } }
  return { required: !body.safeParse(undefined).success, content: jsonContent(inline(body)) }
}

function jsonContent(schema: Schema): Schema {
  return { 'application/json': { schema } }
}

/** By reference where the shape has a name, also as the items of a list. */
function schemaOf(shape: z.ZodType): Schema {
  const name = Object.entries(namedShapes).find(([, named]) => named === shape)?.[0]
  if (name !== undefined) return { $ref: `#/components/schemas/${name}` }
  const items = shape instanceof z.ZodObject ? shape.shape.items : undefined
  if (items instanceof z.ZodArray) {
    const list = { type: 'array', items: schemaOf(items.element as z.ZodType) }
    return { type: 'object', properties: { items: list }, required: ['items'] }
  }
  return inline(shape)
}

function inline(shape: z.ZodType): Schema {
  const { $schema: _dialect, ...schema } = z.toJSONSchema(shape, { io: 'input' })
  return schema
}

function withoutIds(schema: object): Schema {
  return Object.fromEntries(Object.entries(schema).filter(([key]) => key !== '$schema' && key !== '$id'))
}
