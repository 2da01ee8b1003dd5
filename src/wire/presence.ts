import { StreamDeletedError } from '../ports/errors.js';
import type { EventStore } from '../ports/event-store.js';

/** An event by its place in its stream. */
export interface EventPlace {
  readonly stream: string;
  readonly revision: number;
  readonly id: string;
}

/**
 * Where an event that was once read from this log is now. `lost`: its stream has another event
 * there, ends before it, or never existed, so the log was restored from an older copy or lost its
 * end. `unknown`: its stream was deleted or truncated, which proves nothing.
 */
export interface Presence {
  readonly kind: 'there' | 'lost' | 'unknown';
  /** Whether the stream has events after it. */
  readonly hasLater: boolean;
}

export const presenceOf = async (
  eventStore: EventStore,
  { stream, revision, id }: EventPlace,
): Promise<Presence> => {
  try {
    const found: { readonly revision: number; readonly id: string }[] = [];
    for await (const event of eventStore.read(stream, { from: BigInt(revision), limit: 2 })) {
      found.push({ revision: Number(event.revision), id: event.id });
    }
    const [first] = found;
    if (first === undefined) return { kind: await withoutEvent(), hasLater: false };
    if (first.revision !== revision) return { kind: 'unknown', hasLater: true };
    return { kind: first.id === id ? 'there' : 'lost', hasLater: found.length > 1 };
  } catch (error) {
    if (!(error instanceof StreamDeletedError)) throw error;
    return { kind: 'unknown', hasLater: false };
  }

  async function withoutEvent(): Promise<Presence['kind']> {
    const head = await eventStore.head(stream);
    if (head !== 'no_stream') return head < BigInt(revision) ? 'lost' : 'unknown';
    // Deleting a stream leaves its metadata; a stream that never existed has none.
    return (await eventStore.head(`$$${stream}`)) === 'no_stream' ? 'lost' : 'unknown';
  }
};
