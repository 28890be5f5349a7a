import { type RawBuilder, sql } from 'kysely'

/** Any number of texts as one parameter, to ask with `in`: a statement takes only so many parameters. */
export function listOf(postgres: boolean, texts: readonly string[]): RawBuilder<string> {
  const json = JSON.stringify(texts)
  return postgres
    ? sql<string>`(select jsonb_array_elements_text(${json}::jsonb))`
    : sql<string>`(select "value" from json_each(${json}))`
}
