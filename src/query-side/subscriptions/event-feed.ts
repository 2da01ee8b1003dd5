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
  /** Nothing comes any more. */
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
