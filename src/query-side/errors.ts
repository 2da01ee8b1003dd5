import { GraphQLError } from 'graphql';

/** What `extensions.code` of an answer may say, apart from the codes of limits. */
export type QueryErrorCode =
  | 'BAD_REQUEST'
  | 'PERSISTED_QUERY_NOT_SUPPORTED'
  | 'GRAPHQL_PARSE_FAILED'
  | 'GRAPHQL_VALIDATION_FAILED'
  | 'BAD_USER_INPUT'
  | 'UNAUTHENTICATED'
  | 'STALE_READ'
  | 'NOT_READY'
  | 'SERVICE_UNAVAILABLE'
  | 'INTERNAL_SERVER_ERROR';

const queryError = (
  code: QueryErrorCode,
  message: string,
  details: Readonly<Record<string, unknown>> = {},
): GraphQLError => new GraphQLError(message, { extensions: { code, ...details } });

/** The request as a whole is none of GraphQL. */
export const badRequest = (message: string): GraphQLError => queryError('BAD_REQUEST', message);

/** Clients know this message, and that code, and send the query itself from then on. */
export const persistedQueryNotSupported = (): GraphQLError =>
  queryError('PERSISTED_QUERY_NOT_SUPPORTED', 'PersistedQueryNotSupported');

/** The caller's mistake, in a sentence that says which argument and what it may be. */
export const badUserInput = (argument: string, message: string): GraphQLError =>
  queryError('BAD_USER_INPUT', message, { argument });

/** What only those with an API key may read. */
export const unauthenticated = (): GraphQLError =>
  queryError(
    'UNAUTHENTICATED',
    'This field needs an API key, as Authorization: Bearer or X-Api-Key.',
  );

/** The asked revision did not arrive in time. Asking again later is right. */
export const staleRead = (animeId: number, minRevision: number): GraphQLError =>
  queryError(
    'STALE_READ',
    `Anime ${animeId} has not reached revision ${minRevision} here yet; try again shortly.`,
    { animeId, minRevision: String(minRevision) },
  );

export const notReady = (): GraphQLError =>
  queryError('NOT_READY', 'The read models are still being built; try again shortly.');

/** The same error, at the same place of the query and the answer, with another code and message. */
export const withCode =
  (code: QueryErrorCode) =>
  (error: GraphQLError, message = error.message): GraphQLError => {
    const { nodes = null, source = null, positions = null, path = null } = error;
    return new GraphQLError(message, { nodes, source, positions, path, extensions: { code } });
  };
