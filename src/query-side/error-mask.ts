import { GraphQLError } from 'graphql';
import type { Logger } from '../platform/logger.js';
import { PortError } from '../ports/errors.js';
import { withCode } from './errors.js';

/** What a client may see of an error that came up while its query was executed. */
export type ErrorMask = (error: GraphQLError, requestId: string) => GraphQLError;

/** Ours are told by a constant sentence and the request's id; the log has the cause. */
export const createErrorMask =
  (logger: Logger): ErrorMask =>
  (error, requestId) => {
    const cause = error.originalError;
    if (cause === undefined || cause instanceof GraphQLError) return toldAsItIs(error);
    if (cause instanceof PortError && cause.code === 'UNAVAILABLE') {
      logger.warn('Read store unavailable', { requestId, error: cause });
      return withCode('SERVICE_UNAVAILABLE')(
        error,
        `The read models cannot be reached; try again shortly. Request ${requestId} is in our log.`,
      );
    }
    logger.error('Query failed', { requestId, path: error.path, error: cause });
    return withCode('INTERNAL_SERVER_ERROR')(
      error,
      `Something went wrong on our side. Request ${requestId} is in our log.`,
    );
  };

/** Without a code it is GraphQL's own word on variables that do not fit. */
const toldAsItIs = (error: GraphQLError): GraphQLError =>
  'code' in error.extensions ? error : withCode('BAD_USER_INPUT')(error);

/** What is wrong with the request as a whole, before anything was executed; throws what is a bug. */
export const asRequestError = (error: Readonly<GraphQLError | Error>): GraphQLError => {
  if (!(error instanceof GraphQLError)) {
    throw new Error('Reading a GraphQL request failed.', { cause: error });
  }
  return 'code' in error.extensions ? error : withCode('BAD_REQUEST')(error);
};
