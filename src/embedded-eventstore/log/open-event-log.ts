import { join } from 'node:path';
import { lockDirectory } from '../lock.js';
import { EventLogError, type EventLogLogger, type LogRecord } from './event-log.js';
import { type AppendLimits, assertRoom, createLogAppends } from './appends.js';
import { countAppendsInFlight } from './appends-in-flight.js';
import { createCommitSignal } from './commit-signal.js';
import { createDrafts, createStreamHeads } from './heads.js';
import { startCheckpoints } from './checkpoints.js';
import { createGroupCommit, createRecentIds } from './group-commit.js';
import { errorText } from './group-transaction.js';
import { createLinkIndex, createLinkSwitches } from './links.js';
import { createLogCheck, type LogCheck } from './log-check.js';
import { openLogReader, type LogReader } from './reader.js';
import { createProjectionStore, type ProjectedLog } from './projection-store.js';
import { createLogReads } from './reads.js';
import { LOG_FILE } from './schema.js';
import { createRecentTail } from './recent-tail.js';
import { createLogSubscriptions } from './subscriptions.js';
import type { FromLogWriter } from './writer-protocol.js';
import { startLogWriter } from './writer.js';

interface ScavengeOptions {
  /** The interval between passes over the whole log. */
  readonly everyMs: number;
  /** Younger events are kept, so that a retry with the same ids still finds them. */
  readonly minAgeMs: number;
}

type Scavenged = Extract<FromLogWriter, { readonly kind: 'scavenged' }>;

/** Scavenges slice by slice, so that appends can run in between. */
const createScavenger = (options: {
  readonly scavenge: ScavengeOptions;
  readonly now: () => number;
  readonly logger: EventLogLogger;
  /** Resolves once the existing events may be deleted. */
  readonly ready: () => Promise<void>;
}) => {
  const { scavenge, now, logger, ready } = options;
  let ask: ((afterStream: number, createdBefore: number) => void) | undefined;
  let timer: NodeJS.Timeout | undefined;
  let deleted = 0;

  const slice = (afterStream: number): void => ask?.(afterStream, now() - scavenge.minAgeMs);

  const round = (): void => {
    ready().then(
      () => slice(0),
      (error: unknown) => {
        logger.warn('event log not scavenged', { reason: errorText(error) });
        rest();
      },
    );
  };

  const rest = (): void => {
    if (ask !== undefined) timer = setTimeout(round, scavenge.everyMs).unref();
  };

  return {
    start: (askWriter: (afterStream: number, createdBefore: number) => void): void => {
      ask = askWriter;
      rest();
    },
    scavenged: (result: Scavenged): void => {
      deleted += result.deleted;
      if (result.failure !== undefined) {
        logger.warn('event log not scavenged', { reason: result.failure });
      }
      if (result.nextStream !== null) {
        setImmediate(slice, result.nextStream);
        return;
      }
      if (deleted > 0) logger.debug('event log scavenged', { deleted });
      deleted = 0;
      rest();
    },
    stop: (): void => {
      ask = undefined;
      clearTimeout(timer);
    },
  };
};

export interface EventLogOptions {
  /** Created if it does not exist. The log is the file `events.db` in it. */
  readonly directory: string;
  readonly logger: EventLogLogger;
  readonly limits?: Partial<AppendLimits>;
  readonly scavenge?: ScavengeOptions;
  /** Milliseconds since the epoch, for the creation time and the age of events. */
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
 * Opens the log of a directory, ready for appends. Throws DirectoryInUseError if another process
 * has it open.
 */
export const openEventLog = async (options: EventLogOptions): Promise<ProjectedLog> => {
  const lock = lockDirectory(options.directory);
  const path = join(options.directory, LOG_FILE);
  let reader: LogReader | undefined;
  let check: LogCheck | undefined;
  const release = (): void => {
    reader?.close();
    lock.release();
  };
  try {
    reader = openLogReader(path, (error) => check?.damaged(error));
    check = createLogCheck(path);
    return await assemble({ ...options, path, reader, check, release });
  } catch (error) {
    release();
    throw error;
  }
};

interface OpenedFile extends EventLogOptions {
  readonly path: string;
  readonly reader: LogReader;
  readonly check: LogCheck;
  readonly release: () => void;
}

const assemble = async (opened: OpenedFile): Promise<ProjectedLog> => {
  const {
    path,
    reader,
    check,
    release,
    logger,
    limits = {},
    scavenge = SCAVENGE,
    now = Date.now,
  } = opened;
  const heads = createStreamHeads(reader, { max: HEADS });
  const recentIds = createRecentIds({ max: RECENT_IDS });
  const inFlight = countAppendsInFlight();
  const drafts = createDrafts(reader, heads, now);
  const signal = createCommitSignal();
  let committedPosition = reader.lastPosition();
  const committed = (): number => committedPosition;
  const enabled = reader.links.enabled();
  const links = createLinkIndex({ reached: reader.links.reached(), inUse: enabled.length > 0 });
  const switches = createLinkSwitches({ enabled, onTurnedOn: () => links.restart() });
  const indexLinks = (): Promise<void> => links.upTo(committedPosition);
  // If links are in use, events must be indexed before they are deleted.
  const ready = async (): Promise<void> => (links.inUse() ? indexLinks() : undefined);
  const scavenger = createScavenger({ scavenge, now, logger, ready });
  const tail = createRecentTail({ ...TAIL, position: committedPosition });
  let closed: EventLogError | undefined;
  let closing: Promise<void> | undefined;

  const assertOpen = (): void => {
    if (closed !== undefined) throw closed;
    check.assertInPlace();
  };

  const end = (error: EventLogError): void => {
    closed = error;
    signal.end(closed);
    links.stop();
    switches.stop(closed);
  };

  const commit = createGroupCommit({
    heads,
    recentIds,
    inFlight,
    reload: () => {
      try {
        drafts.reload();
        committedPosition = reader.lastPosition();
      } catch (error) {
        if (!(error instanceof EventLogError)) throw error;
        end(error);
        return;
      }
      tail.restartAt(committedPosition);
      signal.wakeAll();
    },
    onCommitted: (records: readonly LogRecord[]) => {
      tail.push(records);
      committedPosition = Number(records.at(-1)?.position ?? committedPosition);
      signal.committed();
      check.committed();
      checkpoints.committed();
    },
    onFailed: (message) => {
      check.failed(message);
      logger.error('event log transaction failed', { path, reason: message });
    },
    onDied: (cause) => {
      logger.error('event log lost its writer', { path, error: cause });
      end(new EventLogError('closed', 'The writer of the event log died.', { cause }));
    },
  });
  const { scavenged } = scavenger;
  const { indexed } = links;
  const sweep = (): void => {
    if (closed === undefined) writer.sweep();
  };
  const writer = await startLogWriter(path, {
    ...commit.events,
    scavenged,
    indexed,
    linksTurned: switches.turned,
    probed: check.probed,
    swept: ({ more }) => {
      if (more) setImmediate(sweep);
    },
  });
  const checkpoints = startCheckpoints(path, logger);
  commit.attach(writer);
  check.attach(() => writer.probe());
  links.start(() => writer.index());
  switches.start((family, on) => writer.turnLinks(family, on));
  scavenger.start((after, before) => writer.scavenge(after, before));

  const close = async (): Promise<void> => {
    closed ??= new EventLogError('closed', 'The event log is closed.');
    scavenger.stop();
    links.stop();
    commit.flush();
    await checkpoints.close();
    await writer.close();
    switches.stop(closed);
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
  const allLimits = { ...LIMITS, ...limits };
  const appends = createLogAppends({ ...parts, assertOpen, limits: allLimits });
  const projections = createProjectionStore({
    ...parts,
    path,
    appendsInFlight: inFlight.shared,
    assertOpen,
    assertRoom: (bytes) => assertRoom(commit.pending(), bytes, allLimits),
    askSweep: sweep,
  });
  const reads = createLogReads(parts);
  const subscriptions = createLogSubscriptions(parts);
  return {
    ...appends,
    projections,
    head: whileOpen(reads.head),
    readStream: whileOpen(reads.readStream),
    readAll: whileOpen(reads.readAll),
    indexLinks: whileOpen(indexLinks),
    optionalLinks: whileOpen(switches.states),
    turnLinks: whileOpen(switches.turn),
    lastPosition: whileOpen(() => BigInt(committedPosition)),
    subscribeAll: whileOpen(subscriptions.subscribeAll),
    subscribeAllInPages: whileOpen(subscriptions.subscribeAllInPages),
    subscribeStream: whileOpen(subscriptions.subscribeStream),
    check: async () => {
      if (closed !== undefined) throw closed;
      await check.run();
    },
    close: () => (closing ??= close()),
  };
};
