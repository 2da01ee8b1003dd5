import { readFileSync } from 'node:fs';
import { BSON, MongoClient, type Db } from 'mongodb';
import { UnavailableError } from '../../ports/errors.js';
import type { Endpoint } from '../../platform/probe.js';
import { within } from '../../platform/async/abort.js';
import { mongodbPortError } from './errors.js';

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
