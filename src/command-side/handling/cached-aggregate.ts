import { createHash } from 'node:crypto';
import { type Anime, evolve, initialState } from '../../domain/decide.js';
import { type AnimeId, streamOf } from '../../domain/ids.js';
import type { ExpectedRevision, NewEvent, RecordedEvent } from '../../ports/event-store.js';
import { jsonObjectIn } from '../../ports/json.js';
import { decodeOf } from '../../wire/stream-event.js';
import {
  type EventsIgnored,
  isUnreadable,
  SCHEMA_VERSIONS,
  type Unreadable,
} from '../../wire/upcast.js';
import type { Recorded } from '../../ports/command-result.js';

/**
 * One anime up to a revision: enough to decide the next command. It holds confirmed events only, and
 * only the anime's queue changes it, one turn at a time.
 */
export interface CachedAggregate {
  readonly animeId: AnimeId;
  readonly stream: string;
  readonly recent: RecentCommands;
  state: Anime;
  revision: ExpectedRevision;
  /** Revision of the first applied event; null before it. */
  from: bigint | null;
  /** Id of the event at `revision`: another id there means that the stream was rewritten. */
  lastEventId: string | null;
  /** Events up to `revision` that cannot be read and are not ignored. With any, nothing is decided. */
  readonly unreadable: Map<bigint, Unreadable>;
  /** The first event of the stream as of `beginningAt`; null if it has none. */
  beginning: StreamBeginning | null;
  /** In the time of `performance.now()`. */
  beginningAt: number;
  /** When the last read to the end of the stream began; the same clock. */
  readAt: number;
  /** Revision of the last snapshot; -1 without one. */
  snapshotAt: bigint;
  /** Its size in the cache; 0 if it is not there. */
  cachedSize: number;
}

export interface StreamBeginning {
  readonly revision: bigint;
  readonly type: string;
  /** Nothing that matters is missing before it: a listing restates everything. */
  readonly isWhole: boolean;
}

export const emptyAggregate = (animeId: AnimeId, rememberedKeys: number): CachedAggregate => ({
  animeId,
  stream: streamOf(animeId),
  recent: createRecentCommands(rememberedKeys),
  state: initialState,
  revision: 'no_stream',
  from: null,
  lastEventId: null,
  unreadable: new Map(),
  beginning: null,
  beginningAt: -Infinity,
  readAt: -Infinity,
  snapshotAt: -1n,
  cachedSize: 0,
});

/** Whether the stream was not read, only presumed not to exist. */
export const isPresumed = ({ revision, readAt }: CachedAggregate): boolean =>
  revision === 'no_stream' && readAt === -Infinity;

/** Notes the first event of the stream as of now. */
export const begin = (aggregate: CachedAggregate, beginning: StreamBeginning | null): void => {
  aggregate.beginning = beginning;
  aggregate.beginningAt = performance.now();
};

export const beginningAt = (
  { animeId }: CachedAggregate,
  { revision, type, data }: RecordedEvent,
): StreamBeginning => {
  const isListing = () => type === 'AnimeListed' && decodeOf(animeId, type, data).kind === 'event';
  return { revision, type, isWhole: revision === 0n || isListing() };
};

export const isWholeFrom = (beginning: StreamBeginning | null): boolean =>
  beginning?.isWhole ?? true;

/** Whether the state covers the whole stream up to its revision, and every event was readable. */
export const isDecidable = ({ beginning, from, unreadable }: CachedAggregate): boolean =>
  isWholeFrom(beginning) && (beginning?.revision ?? null) === from && unreadable.size === 0;

/** Applies the next stored event. An unreadable one is only noted. */
export const applyRecorded = (aggregate: CachedAggregate, recorded: RecordedEvent): void => {
  const { revision, id, type } = recorded;
  const decoded = decodeOf(aggregate.animeId, type, recorded.data);
  aggregate.from ??= revision;
  aggregate.revision = revision;
  aggregate.lastEventId = id;
  if (isUnreadable(decoded)) {
    aggregate.unreadable.set(revision, decoded);
    return;
  }
  if (decoded.kind === 'ignored') {
    forgetIgnored(aggregate, decoded.ignored);
    return;
  }
  aggregate.state = evolve(aggregate.state, decoded.event);
  const keyed = keyIn(recorded.metadata);
  if (keyed === undefined) return;
  const position = recorded.position.commit;
  aggregate.recent.add({ ...keyed, eventId: id, type: decoded.event.type, revision, position });
};

/** Applies events that this process has appended. */
export const applyWritten = (
  aggregate: CachedAggregate,
  written: {
    readonly events: readonly NewEvent[];
    /** The state after these events. */
    readonly state: Anime;
    /** The revision of the first of them. */
    readonly first: bigint;
    readonly keyed: readonly KeyedCommand[];
  },
): void => {
  const { events, state, first, keyed } = written;
  // The first event of a stream is always a listing.
  if (aggregate.revision === 'no_stream') {
    aggregate.from = first;
    begin(aggregate, { revision: first, type: 'AnimeListed', isWhole: true });
  }
  aggregate.state = state;
  aggregate.revision = first + BigInt(events.length) - 1n;
  aggregate.lastEventId = events.at(-1)?.id ?? null;
  for (const command of keyed) aggregate.recent.add(command);
};

const forgetIgnored = ({ unreadable }: CachedAggregate, { from, to }: EventsIgnored): void => {
  for (const revision of [...unreadable.keys()]) {
    if (revision >= from && revision <= to) unreadable.delete(revision);
  }
};

/** Only commands with a key have a `bodyHash`; other metadata need not be parsed. */
const keyIn = (metadata: Uint8Array): { commandId: string; bodyHash: string } | undefined => {
  const text = Buffer.from(metadata.buffer, metadata.byteOffset, metadata.byteLength);
  if (!text.includes('"bodyHash"')) return undefined;
  const { commandId, bodyHash } = jsonObjectIn(metadata) ?? {};
  if (typeof commandId !== 'string' || typeof bodyHash !== 'string') return undefined;
  return { commandId, bodyHash };
};

const FORMAT = 1;

/** Of whatever determines the state that a fold gives. */
export const foldHash = (...parts: readonly unknown[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 12);

/** Changes with the fold, so that a snapshot of another fold is never found. */
export const FOLD_HASH = foldHash(FORMAT, evolve.toString(), initialState, SCHEMA_VERSIONS);

/** A command that came with an Idempotency-Key and appended something. */
export interface KeyedCommand extends Recorded {
  readonly commandId: string;
  readonly bodyHash: string;
}

/**
 * The last commands of one anime with an Idempotency-Key. From confirmed events only: a repeat must
 * never get the id of an event that was not written.
 */
interface RecentCommands {
  find(commandId: string): KeyedCommand | undefined;
  add(command: KeyedCommand): void;
  readonly size: number;
  /** The newest ones, oldest first. */
  newest(count: number): readonly KeyedCommand[];
}

const createRecentCommands = (capacity: number): RecentCommands => {
  // A Map iterates in insertion order: its first key is the oldest.
  const byId = new Map<string, KeyedCommand>();
  return {
    find: (commandId) => byId.get(commandId),
    add: (command) => {
      byId.delete(command.commandId);
      byId.set(command.commandId, command);
      if (byId.size <= capacity) return;
      const [oldest] = byId.keys();
      if (oldest !== undefined) byId.delete(oldest);
    },
    get size() {
      return byId.size;
    },
    newest: (count) => [...byId.values()].slice(-count),
  };
};
