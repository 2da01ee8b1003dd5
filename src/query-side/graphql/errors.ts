import { GraphQLError } from 'graphql';
import type { Logger } from '../../platform/observability/logger.js';
import { PortError, type PortErrorCode } from '../../ports/errors.js';

/** The values of `extensions.code`, apart from those of limits. */
export type QueryErrorCode =
  | 'BAD_REQUEST'
  | 'PERSISTED_QUERY_NOT_SUPPORTED'
  | 'GRAPHQL_PARSE_FAILED'
  | 'GRAPHQL_VALIDATION_FAILED'
  | 'BAD_USER_INPUT'
  | 'UNAUTHENTICATED'
  | 'STALE_READ'
  | 'NOT_READY'
  | 'EVENTS_NOT_AVAILABLE'
  | 'SUBSCRIBER_TOO_SLOW'
  | 'RESUME_TOO_FAR_BACK'
  | 'SERVICE_UNAVAILABLE'
  | 'INTERNAL_SERVER_ERROR';

const queryError = (
  code: QueryErrorCode,
  message: string,
  details: Readonly<Record<string, unknown>> = {},
): GraphQLError => new GraphQLError(message, { extensions: { code, ...details } });

/** The request is not a GraphQL request. */
export const badRequest = (message: string): GraphQLError => queryError('BAD_REQUEST', message);

/** Clients recognise this message and code, and then send the query itself. */
export const persistedQueryNotSupported = (): GraphQLError =>
  queryError('PERSISTED_QUERY_NOT_SUPPORTED', 'PersistedQueryNotSupported');

/** An invalid argument; the message says which values are valid. */
export const badUserInput = (argument: string, message: string): GraphQLError =>
  queryError('BAD_USER_INPUT', message, { argument });

/** The field needs an API key. */
export const unauthenticated = (): GraphQLError =>
  queryError(
    'UNAUTHENTICATED',
    'This field requires an API key, as Authorization: Bearer or X-Api-Key.',
  );

/** The last message of a subscription whose client does not read as fast as events come. */
export const subscriberTooSlow = (): GraphQLError =>
  queryError(
    'SUBSCRIBER_TOO_SLOW',
    'More events came than were read. Subscribe again with the last id as Last-Event-ID.',
  );

export const resumeTooFar = (): GraphQLError =>
  queryError(
    'RESUME_TOO_FAR_BACK',
    'Too many events came after Last-Event-ID. Subscribe without it, and read the log for the others.',
  );

/** The requested revision did not arrive in time; the client may retry. */
export const staleRead = (animeId: number, minRevision: number): GraphQLError =>
  queryError(
    'STALE_READ',
    `Anime ${animeId} has not reached revision ${minRevision} here yet; try again shortly.`,
    { animeId, minRevision: String(minRevision) },
  );

export const notReady = (): GraphQLError =>
  queryError('NOT_READY', 'The read models are still being built; try again shortly.');

/** This service or process does not show stored events; the message says why. */
export const eventsNotAvailable = (message: string): GraphQLError =>
  queryError('EVENTS_NOT_AVAILABLE', message);

export const eventStoreUnavailable = (): GraphQLError =>
  queryError(
    'SERVICE_UNAVAILABLE',
    'The event store cannot be reached; try again shortly. /health says more.',
  );

/** The same error at the same path, with another code and message. */
export const withCode =
  (code: QueryErrorCode) =>
  (error: GraphQLError, message = error.message): GraphQLError => {
    const { nodes = null, source = null, positions = null, path = null } = error;
    return new GraphQLError(message, { nodes, source, positions, path, extensions: { code } });
  };

/** Turns an error during execution into one that a client may see. */
export type ErrorMask = (error: GraphQLError, requestId: string) => GraphQLError;

/** NOT_FOUND: the version was pruned during the request, and the next one finds the active one. */
const PASSING: ReadonlySet<PortErrorCode> = new Set(['UNAVAILABLE', 'NOT_FOUND']);

/** Internal failures get a constant message with the request's id; the log has the cause. */
export const createErrorMask =
  (logger: Logger): ErrorMask =>
  (error, requestId) => {
    const cause = error.originalError;
    if (cause === undefined || cause instanceof GraphQLError) return unmasked(error);
    if (cause instanceof PortError && PASSING.has(cause.code)) {
      logger.warn('Read store unavailable', { requestId, error: cause });
      return withCode('SERVICE_UNAVAILABLE')(
        error,
        `The read models cannot be reached; try again shortly. See request ${requestId} in the log of the service.`,
      );
    }
    logger.error('Query failed', { requestId, path: error.path, error: cause });
    return withCode('INTERNAL_SERVER_ERROR')(
      error,
      `Internal error. See request ${requestId} in the log of the service.`,
    );
  };

/** Errors without a code are GraphQL's own, about variables. */
const unmasked = (error: GraphQLError): GraphQLError =>
  'code' in error.extensions ? error : withCode('BAD_USER_INPUT')(error);

/** The error of a request before execution. A bug is thrown. */
export const asRequestError = (error: Readonly<GraphQLError | Error>): GraphQLError => {
  if (!(error instanceof GraphQLError)) {
    throw new Error('Reading a GraphQL request failed.', { cause: error });
  }
  return 'code' in error.extensions ? error : withCode('BAD_REQUEST')(error);
};
