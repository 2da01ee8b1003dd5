import { join } from 'node:path';
import type { Logger } from '../logger.js';
import { createAppends, type AppendLimits } from './appends.js';
import { createCommitSignal } from './commit-signal.js';
import { createDrafts } from './drafts.js';
import { EventLogError, type EventLog, type LogRecord } from './event-log.js';
import { createGroupCommit } from './group-commit.js';
import { createHeads } from './heads.js';
import { createLinkIndex } from './link-index.js';
import { lockDirectory } from '../lock.js';
import { openReader, type Reader } from './reader.js';
import { createReads } from './reads.js';
import { createRecentIds } from './recent-ids.js';
import { createRecentTail, createSubscriptions } from './subscriptions.js';
import { createScavenger, type ScavengeOptions } from './scavenger.js';
import { startWriter } from './writer.js';

export interface EventLogOptions {
  /** Made where it does not exist. The log's file in it is `events.db`. */
  readonly directory: string;
  readonly logger: Logger;
  readonly limits?: Partial<AppendLimits>;
  readonly scavenge?: ScavengeOptions;
  /** Milliseconds since the epoch: when events are recorded, and by when they age. */
  readonly now?: () => number;
}

const LIMITS: AppendLimits = {
  maxAppendBytes: 1024 * 1024,
  maxPendingBytes: 32 * 1024 * 1024,
  maxPendingAppends: 20_000,
};
const SCAVENGE: ScavengeOptions = { everyMs: 60_000, minAgeMs: 60_000 };
const HEADS = 20_000;
const RECENT_IDS = 50_000;
const TAIL = { maxEvents: 2000, maxBytes: 2 * 1024 * 1024 };

/**
 * Opens the log of a directory, ready for appends. Throws DirectoryInUseError where another process
 * has it open.
 */
export const openEventLog = async (options: EventLogOptions): Promise<EventLog> => {
  const lock = lockDirectory(options.directory);
  const path = join(options.directory, 'events.db');
  let reader: Reader | undefined;
  const release = (): void => {
    reader?.close();
    lock.release();
  };
  try {
    reader = openReader(path);
    return await assemble({ ...options, path, reader, release });
  } catch (error) {
    release();
    throw error;
  }
};

interface Opened extends EventLogOptions {
  readonly path: string;
  readonly reader: Reader;
  readonly release: () => void;
}

const assemble = async (opened: Opened): Promise<EventLog> => {
  const {
    path,
    reader,
    release,
    logger,
    limits = {},
    scavenge = SCAVENGE,
    now = Date.now,
  } = opened;
  const heads = createHeads(reader, { max: HEADS });
  const recentIds = createRecentIds({ max: RECENT_IDS });
  const drafts = createDrafts(reader, heads, now);
  const signal = createCommitSignal();
  let committedPosition = reader.lastPosition();
  const committed = (): number => committedPosition;
  const links = createLinkIndex({ reached: reader.links.reached() });
  const indexLinks = (): Promise<void> => links.upTo(committedPosition);
  // What is deleted has its number first, where links are in use.
  const ready = async (): Promise<void> => (links.inUse() ? indexLinks() : undefined);
  const scavenger = createScavenger({ scavenge, now, logger, ready });
  const tail = createRecentTail({ ...TAIL, position: committedPosition });
  let closed: EventLogError | undefined;
  let closing: Promise<void> | undefined;

  const assertOpen = (): void => {
    if (closed !== undefined) throw closed;
  };

  const commit = createGroupCommit({
    heads,
    recentIds,
    reload: () => {
      drafts.reload();
      committedPosition = reader.lastPosition();
      tail.restartAt(committedPosition);
      signal.wakeAll();
    },
    onCommitted: (records: readonly LogRecord[]) => {
      tail.push(records);
      committedPosition = Number(records.at(-1)?.position ?? committedPosition);
      signal.committed();
    },
    onFailed: (message) => logger.error('event log transaction failed', { path, reason: message }),
    onDied: (cause) => {
      closed = new EventLogError('closed', 'The writer of the event log died.', { cause });
      logger.error('event log lost its writer', { path, error: cause });
      signal.end(closed);
      links.stop();
    },
  });
  const { scavenged } = scavenger;
  const { indexed } = links;
  const writer = await startWriter(path, { ...commit.events, scavenged, indexed });
  commit.attach(writer);
  links.start(() => writer.index());
  scavenger.start((after, before) => writer.scavenge(after, before));

  const close = async (): Promise<void> => {
    closed ??= new EventLogError('closed', 'The event log is closed.');
    scavenger.stop();
    links.stop();
    commit.flush();
    await writer.close();
    signal.end();
    release();
  };

  const whileOpen =
    <A extends unknown[], R>(call: (...args: A) => R) =>
    (...args: A): R => {
      assertOpen();
      return call(...args);
    };

  const parts = { reader, heads, recentIds, drafts, commit, tail, signal, links, now, committed };
  const appends = createAppends({ ...parts, assertOpen, limits: { ...LIMITS, ...limits } });
  const reads = createReads(parts);
  const subscriptions = createSubscriptions(parts);
  return {
    ...appends,
    head: whileOpen(reads.head),
    readStream: whileOpen(reads.readStream),
    readAll: whileOpen(reads.readAll),
    indexLinks: whileOpen(indexLinks),
    lastPosition: whileOpen(() => BigInt(committedPosition)),
    subscribeAll: whileOpen(subscriptions.subscribeAll),
    subscribeStream: whileOpen(subscriptions.subscribeStream),
    close: () => (closing ??= close()),
  };
};
