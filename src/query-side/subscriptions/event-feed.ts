import { pause } from '../../platform/async/retry.js';
import type { Logger } from '../../platform/observability/logger.js';
import type { EventStore, Position, RecordedEvent } from '../../ports/event-store.js';

/** Follows `$all` for one subscription. Its methods return at once. */
interface FeedReader {
  /** In log order, each once. */
  event(event: RecordedEvent): void;
  /** The log was read up to here. */
  upTo(position: Position): void;
  /** Whether history may go on: live events do not ask. */
  hasRoom(): boolean;
  /** The feed has ended. */
  failed(error: unknown): void;
}

/** The position to resume after is further back than a subscription may read. */
export class TooFarBackError extends Error {
  override readonly name = 'TooFarBackError';
}

export interface EventFeed {
  /**
   * Follows the log from its end, or after a position. At most `maxMissed` events are read to get from
   * there to the end. Returns how to stop.
   */
  follow(reader: FeedReader, after: Position | null): () => void;
}

export interface EventFeedOptions {
  readonly eventStore: Pick<EventStore, 'subscribeToAll' | 'readAll'>;
  readonly logger: Logger;
  readonly maxMissed?: number;
}

/** One subscription to `$all` for all readers of this process, only while there are any. */
export const createEventFeed = (options: EventFeedOptions): EventFeed => {
  const { eventStore, logger, maxMissed = 10_000 } = options;
  const readers = new Set<FeedReader>();
  let lastSeen: Position | null = null;
  let running: { readonly stop: () => void; readonly begun: Promise<void> } | undefined;

  const follow = async (signal: AbortSignal, onBegun: () => void): Promise<void> => {
    const [last] = await eventStore.readAll({ direction: 'backwards', limit: 1 });
    const after = last?.position ?? 'start';
    onBegun();
    if (after !== 'start') {
      lastSeen = after;
      for (const reader of readers) reader.upTo(after);
    }
    for await (const item of eventStore.subscribeToAll({ after, signal })) {
      if (item.kind !== 'event') continue;
      lastSeen = item.event.position;
      for (const reader of readers) reader.event(item.event);
    }
  };

  const start = () => {
    const stopping = new AbortController();
    let onBegun = (): void => undefined;
    const begun = new Promise<void>((resolve) => (onBegun = resolve));
    const stop = (): void => {
      stopping.abort();
      running = undefined;
      lastSeen = null;
    };
    const failAll = (error: unknown): void => {
      if (stopping.signal.aborted) return;
      logger.warn('Events can no longer be followed for subscriptions', { error });
      stop();
      for (const reader of [...readers]) reader.failed(error);
    };
    follow(stopping.signal, onBegun).then(
      () => failAll(new Error('The event store was closed.')),
      failAll,
    );
    return { stop, begun };
  };

  /**
   * Reads what a reader missed, as fast as it takes it. Ends where it has all that the others have: what
   * comes then comes to all of them.
   */
  const catchUp = async (
    reader: FeedReader,
    after: Position,
    signal: AbortSignal,
  ): Promise<bigint> => {
    let reached = after.commit;
    let missed = 0;
    for await (const item of eventStore.subscribeToAll({ after, signal })) {
      if (item.kind === 'event') {
        missed += 1;
        if (missed > maxMissed) throw new TooFarBackError();
        while (!reader.hasRoom() && !signal.aborted) await pause(20, signal);
        if (signal.aborted) break;
        reader.event(item.event);
        reached = item.event.position.commit;
      } else if (item.kind !== 'caught-up') {
        continue;
      }
      // In one turn with joining the others: no event comes in between.
      if (lastSeen === null ? item.kind === 'caught-up' : reached >= lastSeen.commit) break;
    }
    return reached;
  };

  const join = (reader: FeedReader): void => {
    readers.add(reader);
    if (running !== undefined && lastSeen !== null) reader.upTo(lastSeen);
  };

  return {
    follow: (reader, after) => {
      const stopping = new AbortController();
      const { signal } = stopping;
      // Keeps the log followed, and learns of failures, while history is read.
      let place: FeedReader = after === null ? reader : waitingFor(reader);
      join(place);
      running ??= start();
      if (after !== null) {
        running.begun
          .then(() => catchUp(reader, after, signal))
          .then((reached) => {
            if (signal.aborted) return;
            readers.delete(place);
            place = onlyAfter(reached, reader);
            join(place);
          })
          .catch((error: unknown) => reader.failed(error));
      }
      return () => {
        stopping.abort();
        readers.delete(place);
        if (readers.size === 0) running?.stop();
      };
    },
  };
};

const nothing = (): void => undefined;

const waitingFor = (reader: FeedReader): FeedReader => ({
  event: nothing,
  upTo: nothing,
  hasRoom: () => true,
  failed: (error) => reader.failed(error),
});

/** History may have been ahead of the others. */
const onlyAfter = (reached: bigint, reader: FeedReader): FeedReader => ({
  event: (event) => {
    if (event.position.commit > reached) reader.event(event);
  },
  upTo: (position) => {
    if (position.commit > reached) reader.upTo(position);
  },
  hasRoom: () => reader.hasRoom(),
  failed: (error) => reader.failed(error),
});

const MAX_BUFFERED_EVENTS = 2_000;
const MAX_BUFFERED_BYTES = 4 * 1024 * 1024;
const MAX_EVENTS_PER_MESSAGE = 500;
const MAX_BYTES_PER_MESSAGE = 512 * 1024;

/** Events that one subscription has not sent yet. */
export interface EventBuffer {
  /** False if it is full: the subscriber is too slow. */
  add(event: RecordedEvent): boolean;
  /** Events for one message, oldest first; undefined if there are none. */
  take(): readonly RecordedEvent[] | undefined;
  isEmpty(): boolean;
  /** Whether there is less than a message in it. */
  hasRoom(): boolean;
}

export const createEventBuffer = (): EventBuffer => {
  let events: RecordedEvent[] = [];
  let bytes = 0;
  return {
    add: (event) => {
      if (events.length >= MAX_BUFFERED_EVENTS || bytes + eventBytes(event) > MAX_BUFFERED_BYTES) {
        // A single event may be larger than that.
        if (events.length > 0) return false;
      }
      events.push(event);
      bytes += eventBytes(event);
      return true;
    },
    take: () => {
      if (events.length === 0) return undefined;
      let count = 0;
      for (let size = 0; count < Math.min(events.length, MAX_EVENTS_PER_MESSAGE); count += 1) {
        const event = events[count];
        if (event === undefined) break;
        size += eventBytes(event);
        if (count > 0 && size > MAX_BYTES_PER_MESSAGE) break;
      }
      const taken = events.slice(0, count);
      events = events.slice(count);
      bytes = events.reduce((sum, event) => sum + eventBytes(event), 0);
      return taken;
    },
    isEmpty: () => events.length === 0,
    hasRoom: () => events.length < MAX_EVENTS_PER_MESSAGE && bytes < MAX_BYTES_PER_MESSAGE,
  };
};

/** Keeps only the newest events: a reader of these is never too slow. */
export const createNewestEvents = (most: number): EventBuffer => {
  let events: RecordedEvent[] = [];
  return {
    add: (event) => {
      events.push(event);
      if (events.length > most) events.shift();
      return true;
    },
    take: () => {
      const taken = events;
      events = [];
      return taken.length === 0 ? undefined : taken;
    },
    isEmpty: () => events.length === 0,
    hasRoom: () => true,
  };
};

const eventBytes = ({ data, metadata }: RecordedEvent): number =>
  data.byteLength + metadata.byteLength;

/** The id of a message: where to resume after it. Both halves of a position matter. */
export const resumeIdOf = ({ commit, prepare }: Position): string => `${commit}/${prepare}`;

const RESUME_ID = /^(\d{1,20})\/(\d{1,20})$/;

/** Undefined for anything that `resumeIdOf` does not return. */
export const positionOfResumeId = (resumeId: string): Position | undefined => {
  const [, commit, prepare] = RESUME_ID.exec(resumeId) ?? [];
  return commit === undefined || prepare === undefined
    ? undefined
    : { commit: BigInt(commit), prepare: BigInt(prepare) };
};
