import { isJsonObject } from '../../ports/json.js';
import { context as tracing, type Context, type Span } from '@opentelemetry/api';
import type { Request, RequestHandler } from 'express';
import { getOperationAST, GraphQLError, type GraphQLSchema, OperationTypeNode } from 'graphql';
import { createHandler, type RequestParams, type Response as GraphqlResponse } from 'graphql-http';
import { Problem } from '../../platform/http/problem.js';
import { requestIdOf, traceContextOf } from '../../platform/http/request-context.js';
import { startChildSpan } from '../../platform/observability/trace-context.js';
import type { ReadModels } from '../read-your-writes/revision-waiter.js';
import { createContext, type QueryContext } from './context.js';
import type { Documents } from './documents.js';
import {
  asRequestError,
  badRequest,
  type ErrorMask,
  persistedQueryNotSupported,
} from './errors.js';

/** The parameters as a client sent them. */
interface UncheckedParameters {
  readonly query?: unknown;
  readonly operationName?: unknown;
  readonly variables?: unknown;
  readonly extensions?: unknown;
}

type Values = Readonly<Record<string, unknown>>;

/**
 * The parameters of a GraphQL request: in the JSON body of a POST, else in the query string. Throws
 * a GraphQLError if they are malformed.
 */
export const requestParameters = (req: Request): RequestParams => {
  const { query, operationName, ...more } =
    req.method === 'POST' ? fromBody(req.body) : fromAddress(req.url);
  const extensions = objectOf('extensions', more.extensions);
  if (query === undefined || query === null || query === '') throw withoutQuery(extensions);
  if (typeof query !== 'string') throw badRequest('query must be a string.');
  return {
    query,
    operationName: operationNameOf(operationName),
    variables: objectOf('variables', more.variables),
    extensions,
  };
};

const fromBody = (body: unknown): UncheckedParameters => {
  if (isJsonObject(body)) return body;
  throw badRequest(
    Array.isArray(body)
      ? 'Send one operation per request: batches are not supported.'
      : 'The body must be a JSON object.',
  );
};

const fromAddress = (url: string): UncheckedParameters => {
  const start = url.indexOf('?');
  const parameters = new URLSearchParams(start === -1 ? '' : url.slice(start));
  return {
    query: parameters.get('query'),
    operationName: parameters.get('operationName'),
    variables: jsonParameter('variables', parameters.get('variables')),
    extensions: jsonParameter('extensions', parameters.get('extensions')),
  };
};

const jsonParameter = (name: string, text: string | null): unknown => {
  if (text === null || text === '') return null;
  try {
    return JSON.parse(text);
  } catch {
    throw badRequest(`${name} must be JSON.`);
  }
};

const objectOf = (name: string, value: unknown): Record<string, unknown> | undefined => {
  if (value === undefined || value === null) return undefined;
  if (isJsonObject(value)) return value;
  throw badRequest(`${name} must be an object.`);
};

/** Forms send an empty name if there is none. */
const operationNameOf = (value: unknown): string | undefined => {
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value === 'string') return value;
  throw badRequest('operationName must be a string.');
};

/** A client that sends a query's hash first then sends the query itself. */
const withoutQuery = (extensions: Values | undefined): GraphQLError =>
  isJsonObject(extensions?.['persistedQuery'])
    ? persistedQueryNotSupported()
    : badRequest('The query is missing.');

export interface GraphqlHandlerOptions {
  readonly schema: GraphQLSchema;
  readonly documents: Documents;
  readonly mask: ErrorMask;
  readonly isReader: (req: Request) => boolean;
  readonly activeReadModels: () => Promise<ReadModels | null>;
  /** Called for every request, refused ones too. */
  readonly onAnswered: (name: string | null, outcome: 'ok' | 'error', seconds: number) => void;
}

/** GraphQL over HTTP. Expects the body of a POST in `req.body`, read as JSON. */
export const graphqlHandler = (options: GraphqlHandlerOptions): RequestHandler => {
  const { schema, documents, mask, activeReadModels, onAnswered, isReader } = options;

  const handle = createHandler<Request, RequestContext, QueryContext>({
    parseRequestParams: ({ raw, context }) => {
      try {
        return requestParameters(raw);
      } catch (error) {
        if (!(error instanceof GraphQLError)) throw error;
        return badRequestResponse(error, context.mediaType);
      }
    },
    onSubscribe: ({ context }, { query, operationName, variables }) => {
      const document = documents(query);
      if (!('kind' in document)) {
        onAnswered(operationName ?? null, 'error', secondsSince(context.startedAt));
        return document;
      }
      if (getOperationAST(document, operationName)?.operation === OperationTypeNode.SUBSCRIPTION) {
        onAnswered(operationName ?? null, 'error', secondsSince(context.startedAt));
        return [badRequest('Subscriptions are served at /graphql/stream.')];
      }
      const contextValue = createContext(context, activeReadModels);
      return { schema, document, operationName, variableValues: variables, contextValue };
    },
    onOperation: ({ context }, { document, operationName }, result) => {
      const { requestId, mediaType, startedAt } = context;
      const name = getOperationAST(document, operationName)?.name?.value ?? null;
      const outcome = result.errors === undefined ? 'ok' : 'error';
      onAnswered(name, outcome, secondsSince(startedAt));
      context.span.setAttributes({ 'graphql.operation.name': name ?? 'anonymous', outcome });
      const errors = tracing.with(context.within, () =>
        result.errors?.map((error) => mask(error, requestId)),
      );
      const masked = errors === undefined ? result : { ...result, errors };
      return serialized(masked, mediaType);
    },
    formatError: asRequestError,
  });

  return async (req, res) => {
    const startedAt = performance.now();
    const mediaType = acceptedType(req);
    const { span, within } = startChildSpan('GraphQL', {}, traceContextOf(res));
    const [body, init] = await handle({
      // HEAD is handled like GET; the server leaves out the body.
      method: req.method === 'HEAD' ? 'GET' : req.method,
      url: req.url,
      headers: { accept: mediaType },
      body: null,
      raw: req,
      context: {
        requestId: requestIdOf(res),
        isReader: isReader(req),
        mediaType,
        startedAt,
        span,
        within,
      },
    }).finally(() => span.end());
    if (init.status === 405) throw MUTATION_BY_GET;
    res.statusCode = init.status;
    for (const [name, value] of Object.entries(init.headers ?? {})) res.setHeader(name, value);
    const text = body ?? '';
    res.setHeader('Content-Length', Buffer.byteLength(text));
    res.setHeader('Cache-Control', 'no-store');
    res.end(text);
  };
};

const MUTATION_BY_GET = new Problem(405, 'Send mutations by POST.', {
  headers: { Allow: 'POST' },
});

interface RequestContext {
  readonly requestId: string;
  readonly isReader: boolean;
  readonly mediaType: MediaType;
  readonly startedAt: number;
  readonly span: Span;
  readonly within: Context;
}

const secondsSince = (startedAt: number): number => (performance.now() - startedAt) / 1000;

const JSON_TYPE = 'application/json';
const GRAPHQL_TYPE = 'application/graphql-response+json';
type MediaType = typeof JSON_TYPE | typeof GRAPHQL_TYPE;

/** The charset is always UTF-8 and optional in Accept. The first is the default. */
const OFFERED = [JSON_TYPE, GRAPHQL_TYPE].flatMap((type) => [type, `${type}; charset=utf-8`]);

/** The most frequent Accept headers, to save parsing. */
const KNOWN: ReadonlyMap<string | undefined, MediaType> = new Map([
  [undefined, JSON_TYPE],
  ['*/*', JSON_TYPE],
  [JSON_TYPE, JSON_TYPE],
  [GRAPHQL_TYPE, GRAPHQL_TYPE],
  [`${GRAPHQL_TYPE},${JSON_TYPE};q=0.9`, GRAPHQL_TYPE],
]);

const acceptedType = (req: Request): MediaType => {
  const known = KNOWN.get(req.headers.accept);
  if (known !== undefined) return known;
  const accepted = req.accepts(OFFERED);
  if (accepted !== false) return accepted.startsWith(JSON_TYPE) ? JSON_TYPE : GRAPHQL_TYPE;
  throw new Problem(
    406,
    `Responses are ${JSON_TYPE} or ${GRAPHQL_TYPE}; subscriptions are at /graphql/stream, and multipart responses are not supported.`,
  );
};

/**
 * A malformed request is 400 under either media type. The probe for persisted queries is 200 in plain
 * JSON: its clients take any other status for a proxy error and do not send the query.
 */
const badRequestResponse = (error: GraphQLError, type: MediaType): GraphqlResponse => {
  const isProbe = error.extensions['code'] === 'PERSISTED_QUERY_NOT_SUPPORTED';
  return response({ errors: [error] }, type, isProbe && type === JSON_TYPE ? 200 : 400);
};

/** Like graphql-http, but without its replacer, which takes twice as long. */
const serialized = (result: object, type: MediaType): GraphqlResponse =>
  response(result, type, 'data' in result || type === JSON_TYPE ? 200 : 400);

const response = (result: object, type: MediaType, status: 200 | 400): GraphqlResponse => [
  JSON.stringify(result),
  {
    status,
    statusText: status === 200 ? 'OK' : 'Bad Request',
    headers: { 'content-type': `${type}; charset=utf-8` },
  },
];
