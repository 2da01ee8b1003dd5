import { createHash } from 'node:crypto';
import { type Anime, evolve, initialState } from '../../domain/anime.js';
import type { AnimeId } from '../../domain/ids.js';
import { streamOf } from '../../domain/stream-name.js';
import type { ExpectedRevision, NewEvent, RecordedEvent } from '../../ports/event-store.js';
import { decodeOf } from '../../wire/stream-event.js';
import {
  type EventsIgnored,
  isUnreadable,
  SCHEMA_VERSIONS,
  type Unreadable,
} from '../../wire/upcast.js';
import type { Recorded } from '../../ports/command-result.js';

/**
 * What is known of one anime up to a revision: enough to decide the next command. Only confirmed
 * events get in. Only the anime's queue changes it, one turn at a time.
 */
export interface CachedAggregate {
  readonly animeId: AnimeId;
  readonly stream: string;
  readonly recent: RecentCommands;
  state: Anime;
  revision: ExpectedRevision;
  /** The first event of the state; null while there is none. */
  from: bigint | null;
  /** Of the event at `revision`: by it we notice that the stream is another one than we knew. */
  lastEventId: string | null;
  /** The events up to `revision` that cannot be read and are not ignored: none may be missing to decide. */
  readonly unreadable: Map<bigint, Unreadable>;
  /** The first event that can be read, null where there is none, as of `beginningAt`. */
  beginning: StreamBeginning | null;
  /** On the clock of `performance.now()`. */
  beginningAt: number;
  /** When the read began that last came to the end of the stream; on the same clock. */
  readAt: number;
  /** Up to which revision the last snapshot goes; -1 without one. */
  snapshotAt: bigint;
  /** The size that the cache counts for it; 0 where it is not in the cache. */
  cachedSize: number;
}

export interface StreamBeginning {
  readonly revision: bigint;
  readonly type: string;
  /** Nothing is missing before it, or nothing that matters: a listing says everything anew. */
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

/** Whether that there is no stream is presumed only: nobody has looked. */
export const isPresumed = ({ revision, readAt }: CachedAggregate): boolean =>
  revision === 'no_stream' && readAt === -Infinity;

/** Notes where the stream begins, as seen now. */
export const begin = (aggregate: CachedAggregate, beginning: StreamBeginning | null): void => {
  aggregate.beginning = beginning;
  aggregate.beginningAt = performance.now();
};

export const beginningAt = (
  { animeId }: CachedAggregate,
  { revision, type, data }: RecordedEvent,
): StreamBeginning => {
  const listing = revision > 0n && type === 'AnimeListed' ? decodeOf(animeId, type, data) : null;
  return { revision, type, isWhole: revision === 0n || listing?.kind === 'event' };
};

export const isWholeFrom = (beginning: StreamBeginning | null): boolean =>
  beginning?.isWhole ?? true;

/** Whether the state is that of the whole stream up to its revision, and all of that was understood. */
export const isDecidable = ({ beginning, from, unreadable }: CachedAggregate): boolean =>
  isWholeFrom(beginning) && (beginning?.revision ?? null) === from && unreadable.size === 0;

/** Takes in the next stored event. One that cannot be read is noted, and changes nothing else. */
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

/** Takes in events that this process has appended. */
export const applyWritten = (
  aggregate: CachedAggregate,
  written: {
    readonly events: readonly NewEvent[];
    /** The state with these events. */
    readonly state: Anime;
    /** The revision of the first of them. */
    readonly first: bigint;
    readonly keyed: readonly KeyedCommand[];
  },
): void => {
  const { events, state, first, keyed } = written;
  // Only a listing is appended where there is nothing.
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

/** Only commands with a key leave a body's hash; the others must not pay for parsing. */
const keyIn = (metadata: Uint8Array): { commandId: string; bodyHash: string } | undefined => {
  const text = Buffer.from(metadata.buffer, metadata.byteOffset, metadata.byteLength);
  if (!text.includes('"bodyHash"')) return undefined;
  try {
    const parsed = JSON.parse(text.toString('utf8')) as Readonly<Record<string, unknown>>;
    const { commandId, bodyHash } = parsed;
    if (typeof commandId !== 'string' || typeof bodyHash !== 'string') return undefined;
    return { commandId, bodyHash };
  } catch {
    return undefined;
  }
};

const FORMAT = 1;

/** Changes when the fold does, so that a snapshot made by other rules is never found. */
export const FOLD_HASH = createHash('sha256')
  .update(JSON.stringify([FORMAT, evolve.toString(), initialState, SCHEMA_VERSIONS]))
  .digest('hex')
  .slice(0, 12);

/** A command that came with an Idempotency-Key and appended something. */
export interface KeyedCommand extends Recorded {
  readonly commandId: string;
  readonly bodyHash: string;
}

/**
 * The last commands of one anime that came with a key. Fed with confirmed events only: a repeat must
 * never be told of an event that was not written.
 */
interface RecentCommands {
  find(commandId: string): KeyedCommand | undefined;
  add(command: KeyedCommand): void;
  readonly size: number;
  /** The newest, oldest of them first. */
  newest(count: number): readonly KeyedCommand[];
}

const createRecentCommands = (capacity: number): RecentCommands => {
  // A Map iterates in the order of insertion: its first key is the oldest.
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
