/**
 * A route of the console says in one line who may call it and what goes in and out. There is no default caller: a route
 * without an authority does not compile, and consoleApp registers nothing that is not such a route.
 */
import type { Request, Response } from 'express'
import type { z } from 'zod'
import type { Actor, Authority } from '../domain/token.ts'

/** Where the API's first version lies; scripts rely on it. */
export const v1 = '/api/v1'

export type Method = 'get' | 'post' | 'put' | 'delete'

type PathParameters<Path extends string> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? { readonly [K in Name]: string } & PathParameters<Rest>
  : Path extends `${string}:${infer Name}`
    ? { readonly [K in Name]: string }
    : unknown

type DeepReadonly<T> = T extends (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends object
    ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : T

/** `answer`: the schema of a JSON body, or a media type; with a media type the route writes the response itself. */
export interface Contract<Body extends z.ZodType, Query extends z.ZodType, Answer extends z.ZodType | string> {
  readonly summary: string
  /**
   * Absent: no body is read. `'csv'`: text/csv, handed on as bytes. `form`: what a browser's form sends; `upload` the same
   * with files, each of them as bytes.
   */
  readonly body?: Body | { readonly form: Body } | { readonly upload: Body } | 'csv'
  readonly query?: Query
  /** Default 200. */
  readonly status?: number
  readonly answer: Answer
  /** A form whose key (form-key.ts) is obeyed: the same click twice is one deed. */
  readonly once?: true
  /** Takes `Prefer: wait=N` (RFC 7240 section 4.3). */
  readonly waits?: true
}

export interface Call<Caller, Parameters, Body, Query> {
  readonly actor: Caller
  readonly parameters: Parameters
  readonly body: Body
  readonly query: Query
  /** Seconds of `Prefer: wait=N`, already limited; 0 without. */
  readonly waitSeconds: number
  /** Aborted when the caller hangs up. */
  readonly signal: AbortSignal
  readonly request: Request
  readonly response: Response
}

export interface Route {
  readonly method: Method
  readonly path: string
  readonly authority: Authority | 'public'
  readonly contract: Contract<z.ZodType, z.ZodType, z.ZodType | string>
  readonly handle: (call: Call<Actor | null, unknown, unknown, unknown>) => Promise<unknown>
  /** For people: errors are a page too, and whoever is not signed in is asked to. */
  readonly page: boolean
}

type Caller<A extends Authority | 'public'> = A extends 'public' ? null : Actor

export function route<
  A extends Authority | 'public',
  Path extends string,
  Answer extends z.ZodType | string,
  Body extends z.ZodType = z.ZodUndefined,
  Query extends z.ZodType = z.ZodUndefined,
>(
  method: Method,
  path: Path,
  authority: A,
  contract: Contract<Body, Query, Answer>,
  handle: (
    call: Call<Caller<A>, PathParameters<Path>, z.output<Body>, z.output<Query>>,
  ) => Promise<Answer extends z.ZodType ? DeepReadonly<z.output<Answer>> : void>,
): Route {
  // The mount checks caller, body and query against this very declaration before it calls.
  const page = contract.answer === 'text/html'
  return { method, path, authority, contract, handle: handle as Route['handle'], page }
}
