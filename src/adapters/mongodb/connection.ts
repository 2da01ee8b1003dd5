import { readFileSync } from 'node:fs';
import {
  BSON,
  type Db,
  MongoBulkWriteError,
  MongoClient,
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
import { within } from '../../platform/async/abort.js';
import type { Endpoint } from '../../platform/probe.js';
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
  if (isConnectionFailure(error) || isNotNow(error)) {
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
export const DUPLICATE_KEY = 11000;

export const isDuplicateKey = (error: unknown): boolean =>
  error instanceof MongoServerError && error.code === DUPLICATE_KEY;

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

const isConnectionFailure = (error: Error): boolean =>
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

export interface ConnectionOptions {
  readonly url: string;
  readonly database: string;
  readonly timeoutMs: number;
}

/** The driver's pool, which reconnects by itself, with a time-out on every call. */
export interface MongodbConnection {
  readonly db: Db;
  readonly timeoutMs: number;
  /**
   * Makes one call to the server: returns its result or rejects with a port error within the
   * time-out.
   */
  readonly ask: <T>(question: () => Promise<T>) => Promise<T>;
  /** Runs work that `close` waits for; refuses it after `close`. */
  readonly whileOpen: <T>(work: () => Promise<T>) => Promise<T>;
  close(): Promise<void>;
}

const CLOSED_MESSAGE = 'The read store is closed.';

/** Resolves once a server has responded. */
export const connect = async (options: ConnectionOptions): Promise<MongodbConnection> => {
  const connection = connectionOf(options);
  try {
    await connection.ask(() => connection.db.command({ ping: 1 }));
  } catch (error) {
    await connection.close();
    throw error;
  }
  return connection;
};

const connectionOf = ({ url, database, timeoutMs }: ConnectionOptions): MongodbConnection => {
  const client = new MongoClient(url, {
    appName: 'anime-analytics',
    // The driver's `timeoutMS` has no effect, so each wait is bounded by its own setting.
    serverSelectionTimeoutMS: timeoutMs,
    connectTimeoutMS: timeoutMs,
    socketTimeoutMS: timeoutMs,
    waitQueueTimeoutMS: timeoutMs,
    writeConcern: { w: 'majority', journal: true },
    ignoreUndefined: true,
  });
  const underWay = new Set<Promise<unknown>>();
  let closed: Promise<void> | undefined;

  const ask = async <T>(question: () => Promise<T>): Promise<T> => {
    try {
      return await within(timeoutMs, question(), noAnswer);
    } catch (error) {
      throw mongodbPortError(error);
    }
  };

  const end = async (): Promise<void> => {
    await Promise.allSettled(underWay);
    await client.close();
  };

  return {
    db: client.db(database),
    timeoutMs,
    ask,

    whileOpen: async (work) => {
      if (closed !== undefined) throw new UnavailableError(CLOSED_MESSAGE);
      const working = work();
      underWay.add(working);
      try {
        return await working;
      } finally {
        underWay.delete(working);
      }
    },

    close: () => (closed ??= end()),
  };
};

const noAnswer = (): UnavailableError => new UnavailableError('MongoDB did not answer in time.');

/** The hosts in the address; none if they are looked up in DNS. */
export const mongodbEndpoints = (url: string): readonly Endpoint[] => {
  const { hosts, tls, tlsCAFile, rejectUnauthorized, checkServerIdentity } = new MongoClient(url)
    .options;
  const ssl = tls && {
    ...(tlsCAFile === undefined ? {} : { ca: readFileSync(tlsCAFile) }),
    ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
    ...(checkServerIdentity === undefined ? {} : { checkServerIdentity }),
  };
  return hosts.flatMap(({ host, port }) =>
    host === undefined || port === undefined
      ? []
      : [{ host, port, hello: HELLO, ...(ssl === false ? {} : { tls: ssl }) }],
  );
};

const helloMessage = (): Uint8Array => {
  const command = BSON.serialize({ hello: 1, $db: 'admin' });
  const header = Buffer.alloc(21);
  header.writeInt32LE(header.length + command.length, 0);
  header.writeInt32LE(1, 4);
  header.writeInt32LE(OP_MSG, 12);
  return Buffer.concat([header, command]);
};
const OP_MSG = 2013;
const HELLO = helloMessage();
