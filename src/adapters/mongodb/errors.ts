import {
  MongoBulkWriteError,
  MongoClientClosedError,
  MongoCompatibilityError,
  MongoExpiredSessionError,
  MongoInvalidArgumentError,
  MongoMissingCredentialsError,
  MongoNetworkError,
  MongoNotConnectedError,
  MongoOperationTimeoutError,
  MongoServerClosedError,
  MongoServerError,
  MongoStalePrimaryError,
  MongoSystemError,
  MongoTopologyClosedError,
  MongoWriteConcernError,
} from 'mongodb';
import { PortError, TooLargeError, UnavailableError } from '../../ports/errors.js';

/** The port error for a driver failure; a bug is returned unchanged. */
export const mongodbPortError = (error: unknown): unknown => {
  if (error instanceof PortError || !(error instanceof Error)) return error;
  const options = { cause: error, context: { reason: error.message, ...serverCodeOf(error) } };
  if (isDenied(error)) {
    return new PortError('ACCESS_DENIED', 'MongoDB denies access.', false, options);
  }
  if (isTooLarge(error)) {
    return new TooLargeError('A document exceeds the size limit of MongoDB.', options);
  }
  if (isIndexConflict(error)) return new PortError('CORRUPT', OTHER_INDEX, false, options);
  if (isUnreachable(error) || isNotNow(error)) {
    return new UnavailableError('MongoDB is temporarily unavailable.', options);
  }
  if (isServerRefusal(error)) {
    return new PortError('NOT_SUPPORTED', refusalSentence(error), false, options);
  }
  return error;
};

/** A server error that is not temporary: the same call would fail again. */
const isServerRefusal = (error: Error): boolean =>
  error instanceof MongoServerError || error instanceof MongoCompatibilityError;

/** Omits the server's own text, which may quote stored data; that goes to the log only. */
const refusalSentence = (error: Error): string => {
  const { code } = serverCodeOf(error);
  const name = 'codeName' in error ? String(error.codeName) : error.name;
  return (
    `MongoDB refuses a command that the read models need (${[code, name].join(' ').trim()}); its reason is in ` +
    'the log. Use MongoDB 8.0, or a server that knows the same commands.'
  );
};

/** Another writer inserted the document first, so the upsert lost a race. */
export const isDuplicateKey = (error: unknown): boolean =>
  error instanceof MongoServerError && error.code === 11000;

export const isNoCollection = (error: unknown): boolean =>
  error instanceof MongoServerError && error.code === 26;

/** The server does not support an option of the command, which may work without it. */
export const isUnknownOption = (error: unknown): boolean =>
  error instanceof MongoServerError && hasCode(error, UNKNOWN_OPTION);

/** FailedToParse, InvalidOptions, NotImplemented, an unknown field. */
const UNKNOWN_OPTION = new Set([9, 72, 238, 40415]);

const OTHER_INDEX =
  'An index of the read models has the same name as one that this version of the service needs, but is ' +
  'different. Nothing is lost: drop that index and start again, or build a new version of the read models.';

const serverCodeOf = (error: Error): { code?: number } =>
  error instanceof MongoServerError && typeof error.code === 'number' ? { code: error.code } : {};

const hasCode = (error: Error, codes: ReadonlySet<number>): boolean => {
  const { code } = serverCodeOf(error);
  return code !== undefined && codes.has(code);
};

/** Unauthorized, AuthenticationFailed, and Atlas's own code for both. */
const DENIED_CODES = new Set([13, 18, 8000]);
const isDenied = (error: Error): boolean =>
  hasCode(error, DENIED_CODES) || error instanceof MongoMissingCredentialsError;

const TOO_LARGE_CODES = new Set([10334, 17280, 17419, 17420]);
const isTooLarge = (error: Error): boolean =>
  hasCode(error, TOO_LARGE_CODES) ||
  (error instanceof MongoInvalidArgumentError && /larger than the maximum/.test(error.message));

const INDEX_CONFLICT = new Set([85, 86]);
const isIndexConflict = (error: Error): boolean => hasCode(error, INDEX_CONFLICT);

const OUT_OF_REACH = [
  MongoNetworkError,
  MongoSystemError,
  MongoNotConnectedError,
  MongoTopologyClosedError,
  MongoClientClosedError,
  MongoServerClosedError,
  MongoOperationTimeoutError,
  MongoExpiredSessionError,
  MongoStalePrimaryError,
];

const isUnreachable = (error: Error): boolean =>
  OUT_OF_REACH.some((kind) => error instanceof kind) ||
  // The driver does not export this class.
  error.name === 'MongoWaitQueueTimeoutError' ||
  // Node's own errors: a socket that closes during a write, a name that is not found.
  ('code' in error && SOCKET_FAILURE.test(String(error.code)));

const SOCKET_FAILURE = /^(E[A-Z]+|ERR_(STREAM|SOCKET)_\w+)$/;

/**
 * No primary, shutting down, stepping down, timed out, killed, lock conflict, lost cursor, disk or
 * memory full, too many requests, write concern time-out, and internal server errors (1, 8, 96): a
 * retry may succeed.
 */
const PASSING_SERVER_CODES = new Set([
  1, 6, 7, 8, 24, 43, 46, 50, 63, 64, 89, 91, 96, 112, 133, 134, 146, 150, 175, 189, 202, 234, 237,
  262, 279, 282, 384, 9001, 10058, 10107, 11000, 11600, 11601, 11602, 13388, 13435, 13436, 14031,
  16500,
]);

const PASSING_LABELS = [
  'RetryableWriteError',
  'RetryableError',
  'TransientTransactionError',
  'SystemOverloadedError',
];

const isNotNow = (error: Error): boolean =>
  error instanceof MongoWriteConcernError ||
  (error instanceof MongoBulkWriteError && isUnconfirmed(error)) ||
  (error instanceof MongoServerError &&
    (hasCode(error, PASSING_SERVER_CODES) ||
      PASSING_LABELS.some((label) => error.hasErrorLabel(label))));

/**
 * No write was refused: a majority has not confirmed, or the connection broke during the bulk
 * write.
 */
const isUnconfirmed = ({ result, code }: MongoBulkWriteError): boolean =>
  result.getWriteErrorCount() === 0 &&
  (result.getWriteConcernError() !== undefined || typeof code !== 'number');
