import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from '../../platform/logger.js';
import { createAppends, type AppendLimits } from './appends.js';
import { createCommitSignal } from './commit-signal.js';
import { createDrafts } from './draft.js';
import { EventLogError, type EventLog, type LogRecord } from './event-log.js';
import { createGroupCommit } from './group-commit.js';
import { createHeads } from './heads.js';
import { openReader } from './reader.js';
import { createReads } from './reads.js';
import { createRecentIds } from './recent-ids.js';
import { createRecentTail } from './recent-tail.js';
import { createSubscriptions } from './subscriptions.js';
import { startWriter } from './writer.js';

export interface EventLogOptions {
  /** Made where it does not exist; the log's file in it is `events.db`. */
  readonly directory: string;
  readonly logger: Logger;
  readonly limits?: Partial<AppendLimits>;
  readonly now?: () => number;
}

const LIMITS: AppendLimits = {
  maxAppendBytes: 1024 * 1024,
  maxPendingBytes: 32 * 1024 * 1024,
  maxPendingAppends: 20_000,
};

const HEADS = 20_000;
const RECENT_IDS = 50_000;
const TAIL = { maxEvents: 2000, maxBytes: 2 * 1024 * 1024 };

/** Opens the log of a directory, ready for appends. */
export const openEventLog = async (options: EventLogOptions): Promise<EventLog> => {
  const { directory, logger, limits = {}, now = Date.now } = options;
  mkdirSync(directory, { recursive: true });
  const path = join(directory, 'events.db');
  const reader = openReader(path);
  const heads = createHeads(reader, { max: HEADS });
  const recentIds = createRecentIds({ max: RECENT_IDS });
  const drafts = createDrafts(reader, heads, now);
  const signal = createCommitSignal();
  let committed = reader.lastPosition();
  const tail = createRecentTail({ ...TAIL, position: committed });
  let closed: EventLogError | undefined;
  let closing: Promise<void> | undefined;

  const assertOpen = (): void => {
    if (closed !== undefined) throw closed;
  };

  const reload = (): void => {
    drafts.reload();
    const position = reader.lastPosition();
    if (position === committed) return;
    committed = position;
    tail.restartAt(position);
    signal.wake();
  };

  const onCommitted = (records: readonly LogRecord[]): void => {
    tail.push(records);
    committed = Number(records.at(-1)?.position ?? committed);
    signal.wake();
  };

  const onDied = (cause: unknown): void => {
    closed = new EventLogError('closed', 'The writer of the event log died.', { cause });
    logger.error('event log lost its writer', { path, error: cause });
    signal.end(closed);
  };

  const commit = createGroupCommit({ heads, recentIds, reload, onCommitted, onDied });
  const writer = await startWriter(path, commit.events);
  commit.attach(writer);

  const close = async (): Promise<void> => {
    closed ??= new EventLogError('closed', 'The event log is closed.');
    commit.flush();
    await writer.close();
    signal.end();
    reader.close();
  };

  const guarded =
    <A extends unknown[], R>(call: (...args: A) => R) =>
    (...args: A): R => {
      assertOpen();
      return call(...args);
    };

  const parts = { reader, heads, recentIds, drafts, commit, tail, signal, now, assertOpen };
  const appends = createAppends({ ...parts, limits: { ...LIMITS, ...limits } });
  const reads = createReads({ ...parts, committed: () => committed });
  const subscriptions = createSubscriptions({ ...parts, committed: () => committed });
  return {
    ...appends,
    head: guarded(reads.head),
    readStream: guarded(reads.readStream),
    readAll: guarded(reads.readAll),
    lastPosition: guarded(() => BigInt(committed)),
    subscribeAll: guarded(subscriptions.subscribeAll),
    subscribeStream: guarded(subscriptions.subscribeStream),
    close: () => (closing ??= close()),
  };
};
