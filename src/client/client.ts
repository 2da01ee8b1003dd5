import { type Commands, createCommands, createRevisions } from './commands.js';
import type { Environment } from './environment.js';
import { createExchange } from './exchange.js';
import { createQuery, type Query } from './queries.js';
import { createQueue, type Queue, type QueueOptions } from './queue.js';

export interface ClientOptions {
  /** The address of the command API, with its prefix if it has one. */
  readonly commands: string;
  /** The address of the query API; without it there are no queries. */
  readonly queries?: string;
  /** If the service requires one. Do not put it into a public page: anyone can read it there. */
  readonly apiKey?: string;
  /** For one attempt; 10 s by default. */
  readonly attemptTimeoutMs?: number;
  /** For a call with all its attempts; 30 s by default. */
  readonly timeoutMs?: number;
  /** By default 100 commands, 1 s, and 1,000 commands. */
  readonly queue?: Partial<QueueOptions>;
  /** Replaces the global `fetch`. */
  readonly fetch?: typeof fetch;
}

export interface Client extends Commands, Queue {
  readonly query: Query;
}

/** The service's limit for one request. */
const MOST_COMMANDS = 10_000;

export const createClientIn = (options: ClientOptions, environment: Environment): Client => {
  const { apiKey, attemptTimeoutMs = 10_000, timeoutMs = 30_000, queries } = options;
  const { batchSize = 100, maxWaitMs = 1000, maxQueued = 1000 } = options.queue ?? {};
  requireWithin('batchSize', batchSize, MOST_COMMANDS);
  requireWithin('maxQueued', maxQueued, Number.MAX_SAFE_INTEGER);
  const exchange = createExchange({ apiKey, attemptTimeoutMs, timeoutMs }, environment);
  const revisions = createRevisions();
  const base = baseOf(options.commands);
  return {
    ...createCommands(base, exchange, revisions, environment),
    ...createQueue(
      `${base}batch`,
      { batchSize, maxWaitMs, maxQueued, hasKey: apiKey !== undefined },
      { exchange, revisions, environment },
    ),
    query: createQuery(queries === undefined ? queries : baseOf(queries), exchange, revisions),
  };
};

const requireWithin = (name: string, value: number, most: number): void => {
  if (!Number.isInteger(value) || value < 1 || value > most) {
    throw new RangeError(`${name} must be a whole number from 1 to ${most}.`);
  }
};

const baseOf = (address: string): string => (address.endsWith('/') ? address : `${address}/`);
