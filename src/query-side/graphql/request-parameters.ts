import type { Request } from 'express';
import type { GraphQLError } from 'graphql';
import type { RequestParams } from 'graphql-http';
import { badRequest, persistedQueryNotSupported } from './errors.js';

/** What a client sent as parameters, before anybody has looked at it. */
interface Given {
  readonly query?: unknown;
  readonly operationName?: unknown;
  readonly variables?: unknown;
  readonly extensions?: unknown;
}

type Values = Readonly<Record<string, unknown>>;

/**
 * The parameters of a GraphQL request: of a POST in its body, which has been read as JSON, else in
 * the query of its address. Throws a GraphQLError where they are none.
 */
export const requestParameters = (req: Request): RequestParams => {
  const { query, operationName, ...more } =
    req.method === 'POST' ? fromBody(req.body) : fromAddress(req.url);
  const extensions = objectOf('extensions', more.extensions);
  if (query === undefined || query === null || query === '') throw withoutQuery(extensions);
  if (typeof query !== 'string') throw badRequest('query must be a string.');
  return {
    query,
    operationName: nameOf(operationName),
    variables: objectOf('variables', more.variables),
    extensions,
  };
};

const fromBody = (body: unknown): Given => {
  if (isObject(body)) return body;
  throw badRequest(
    Array.isArray(body)
      ? 'Send one operation per request: batches are not supported.'
      : 'The body must be a JSON object.',
  );
};

const fromAddress = (url: string): Given => {
  const start = url.indexOf('?');
  const parameters = new URLSearchParams(start === -1 ? '' : url.slice(start));
  return {
    query: parameters.get('query'),
    operationName: parameters.get('operationName'),
    variables: fromJson('variables', parameters.get('variables')),
    extensions: fromJson('extensions', parameters.get('extensions')),
  };
};

const fromJson = (name: string, text: string | null): unknown => {
  if (text === null || text === '') return null;
  try {
    return JSON.parse(text);
  } catch {
    throw badRequest(`${name} must be JSON.`);
  }
};

const isObject = (value: unknown): value is Values =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const objectOf = (name: string, value: unknown): Record<string, unknown> | undefined => {
  if (value === undefined || value === null) return undefined;
  if (isObject(value)) return value;
  throw badRequest(`${name} must be an object.`);
};

/** An empty name is none: that is what a form sends. */
const nameOf = (value: unknown): string | undefined => {
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value === 'string') return value;
  throw badRequest('operationName must be a string.');
};

/** A client that sends the hash of a query first sends the query itself once it is told so. */
const withoutQuery = (extensions: Values | undefined): GraphQLError =>
  isObject(extensions?.['persistedQuery'])
    ? persistedQueryNotSupported()
    : badRequest('The query is missing.');
