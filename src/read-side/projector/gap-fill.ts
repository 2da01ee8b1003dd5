import type { AnimeId } from '../../domain/ids.js';
import { streamOf } from '../../domain/stream-name.js';
import { StreamDeletedError } from '../../ports/errors.js';
import type { EventStore } from '../../ports/event-store.js';
import { fromRecorded, type StreamEvent } from '../../wire/stream-event.js';

export type GapFill =
  | { readonly kind: 'events'; readonly events: readonly StreamEvent[] }
  /** The stream no longer has them: it was deleted or truncated. */
  | { readonly kind: 'lost'; readonly reason: string }
  /** The stream ends before them: a lagging follower, or an event of another log. */
  | { readonly kind: 'behind'; readonly head: bigint };

/** The first and last missing revision. */
export interface Gap {
  readonly from: number;
  readonly to: number;
}

/**
 * Reads missing events from the anime's own stream: from the gap's first revision on, at most
 * `limit` events.
 */
export const readMissing = async (
  eventStore: EventStore,
  logId: string,
  animeId: AnimeId,
  { from, to }: Gap,
  limit: number,
): Promise<GapFill> => {
  const stream = streamOf(animeId);
  const read = async (): Promise<readonly StreamEvent[]> => {
    const events: StreamEvent[] = [];
    const options = { from: BigInt(from), limit: Math.min(limit, to - from + 1) };
    for await (const recorded of eventStore.read(stream, options)) {
      const reading = fromRecorded(recorded, logId);
      if (reading.kind !== 'event' || reading.event.revision !== from + events.length) break;
      events.push(reading.event);
    }
    return events;
  };
  try {
    const events = await read();
    if (events.length > 0) return { kind: 'events', events };
    const head = await eventStore.head(stream);
    if (head === 'no_stream') return { kind: 'lost', reason: `Stream ${stream} was deleted.` };
    if (head < BigInt(from)) return { kind: 'behind', head };
    // The event may have been appended between the read and the look at the head.
    const appended = await read();
    if (appended.length > 0) return { kind: 'events', events: appended };
  } catch (error) {
    if (!(error instanceof StreamDeletedError)) throw error;
    return { kind: 'lost', reason: error.message };
  }
  return { kind: 'lost', reason: `Stream ${stream} was truncated above revision ${from}.` };
};
