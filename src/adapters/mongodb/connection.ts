import { MongoClient, type Db } from 'mongodb';
import { UnavailableError } from '../../ports/errors.js';
import { within } from '../../platform/within.js';
import { translated } from './errors.js';

export interface ConnectionOptions {
  readonly url: string;
  readonly database: string;
  readonly timeoutMs: number;
}

/** The driver's pool, which finds its servers again by itself, with an end to every wait. */
export interface Connection {
  readonly db: Db;
  readonly timeoutMs: number;
  /** One question to the server: an answer, or a port error within the time-out. */
  readonly ask: <T>(question: () => Promise<T>) => Promise<T>;
  /** What `close` waits for and then refuses. */
  readonly whileOpen: <T>(work: () => Promise<T>) => Promise<T>;
  close(): Promise<void>;
}

const CLOSED = 'The read store is closed.';

/** Resolves once a server has answered. */
export const connect = async (options: ConnectionOptions): Promise<Connection> => {
  const connection = connectionOf(options);
  try {
    await connection.ask(() => connection.db.command({ ping: 1 }));
  } catch (error) {
    await connection.close();
    throw error;
  }
  return connection;
};

const connectionOf = ({ url, database, timeoutMs }: ConnectionOptions): Connection => {
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
      return await within(timeoutMs, question(), late);
    } catch (error) {
      throw translated(error);
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
      if (closed !== undefined) throw new UnavailableError(CLOSED);
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

const late = (): UnavailableError => new UnavailableError('MongoDB did not answer in time.');
