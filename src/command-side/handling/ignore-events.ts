import { v5 } from 'uuid';
import { type AnimeId, streamOf } from '../../domain/ids.js';
import { OutcomeUnknownError, WrongExpectedRevisionError } from '../../ports/errors.js';
import type { EventStore, ExpectedRevision, NewEvent } from '../../ports/event-store.js';
import { decodeOf } from '../../wire/stream-event.js';
import { encodeIgnored, EVENTS_IGNORED, isUnreadable, type Unreadable } from '../../wire/upcast.js';

export interface IgnoreRequest {
  readonly animeId: AnimeId;
  /** First and last revision. */
  readonly from: number;
  readonly to: number;
  readonly reason: string;
  /** Ignores events of a newer service version too, which an upgrade would count. */
  readonly evenNewer: boolean;
  /** ISO 8601, UTC. */
  readonly at: string;
}

export type Ignored =
  /** `at` is the revision of the `EventsIgnored` event. */
  | { readonly kind: 'ignored'; readonly revisions: readonly number[]; readonly at: bigint }
  | { readonly kind: 'ignored-before' }
  /** No event in the range is unreadable, or the range is not in the stream. */
  | { readonly kind: 'nothing-to-ignore' }
  | { readonly kind: 'newer'; readonly revision: number; readonly type: string };

const APPEND_ATTEMPTS = 10;
const EVENT_ID_NAMESPACE = 'b1f5c1c8-8f0e-4f3b-9c55-3a4d0f6f2d2b';

/**
 * Makes every process ignore events that cannot be read, by an event in the same stream. It also
 * records who decided that, and when.
 */
export const ignoreEvents = async (store: EventStore, request: IgnoreRequest): Promise<Ignored> => {
  const { animeId, reason, at } = request;
  const stream = streamOf(animeId);
  for (let attempt = 1; ; attempt += 1) {
    const { unreadable, open, head } = await look(store, animeId, request);
    if (head === 'no_stream' || unreadable.size === 0) return { kind: 'nothing-to-ignore' };
    if (open.size === 0) return { kind: 'ignored-before' };
    for (const [revision, decoded] of open) {
      const isNewer = decoded.kind === 'unknown' && decoded.isNewer;
      if (isNewer && !request.evenNewer) return { kind: 'newer', revision, type: decoded.type };
    }
    // Only up to the last unreadable event: later ones were not decided on.
    const revisions = [...open.keys()];
    const { from, to } = { from: revisions[0] ?? 0, to: revisions.at(-1) ?? 0 };
    const event: NewEvent = {
      id: v5(`${stream}/${head}/${from}/${to}`, EVENT_ID_NAMESPACE),
      type: EVENTS_IGNORED,
      data: encodeIgnored({ animeId, occurredAt: at, from, to, reason }),
      metadata: {},
    };
    try {
      const { revision } = await store.append(stream, head, [event]);
      return { kind: 'ignored', revisions, at: revision };
    } catch (error) {
      // Read again to learn the outcome: the service may have written to the stream meanwhile.
      const again =
        error instanceof WrongExpectedRevisionError || error instanceof OutcomeUnknownError;
      if (!again || attempt === APPEND_ATTEMPTS) throw error;
    }
  }
};

const look = async (store: EventStore, animeId: AnimeId, { from, to }: IgnoreRequest) => {
  const unreadable = new Map<number, Unreadable>();
  const open = new Map<number, Unreadable>();
  let head: ExpectedRevision = 'no_stream';
  for await (const event of store.read(streamOf(animeId), { from: BigInt(from) })) {
    head = event.revision;
    const revision = Number(head);
    const decoded = decodeOf(animeId, event.type, event.data);
    if (isUnreadable(decoded) && revision <= to) {
      unreadable.set(revision, decoded);
      open.set(revision, decoded);
    }
    if (decoded.kind !== 'ignored') continue;
    for (const each of [...open.keys()]) {
      if (each >= decoded.ignored.from && each <= decoded.ignored.to) open.delete(each);
    }
  }
  return { unreadable, open, head };
};
