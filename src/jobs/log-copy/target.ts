import type { EventLog } from '../../embedded-eventstore/log/event-log.js';
import { type Backoff, retry } from '../../platform/async/retry.js';
import { isRetriable, PortError } from '../../ports/errors.js';
import type { EventStore, RecordedEvent } from '../../ports/event-store.js';

/** The destination of a copy. */
export interface LogTarget {
  readonly store: EventStore;
  /**
   * Whether it keeps revisions with gaps, creation times and every event of a stream's metadata. A server
   * keeps none of these.
   */
  readonly isExact: boolean;
  /**
   * Writes events that follow each other in the source, in this order, and skips those that are there.
   * Resolves to how many were written. Rejects with REFUSED where the target has another event in a
   * place. May be repeated after any failure.
   */
  readonly write: (events: readonly RecordedEvent[]) => Promise<number>;
  readonly patiently: Patiently;
}

/** Repeats what may be repeated, such as an append of unknown outcome, until it succeeds or a minute is over. */
export type Patiently = <T>(work: () => Promise<T>) => Promise<T>;

const BACKOFF: Backoff = { baseMs: 200, maxMs: 5_000 };
/** More than a minute. */
const MAX_RETRIES = 20;

export const createPatience =
  (signal: AbortSignal, backoff = BACKOFF): Patiently =>
  (work) =>
    retry(work, {
      backoff,
      signal,
      retriable: (error, attempt) => isRetriable(error) && attempt < MAX_RETRIES,
    }).catch((error: unknown) => {
      signal.throwIfAborted();
      throw error;
    });

export const otherEvents = (stream: string, revision: bigint): PortError =>
  new PortError(
    'REFUSED',
    `The target has events of its own in the stream ${stream}, at revision ${revision}: copy to an ` +
      'event store of its own.',
    false,
    { context: { stream, revision } },
  );

const APPEND_BYTES = 512 * 1024;
const APPEND_EVENTS = 500;

/** Cuts events into groups of which each fits into one append. */
export const appendableGroups = (
  events: readonly RecordedEvent[],
): readonly (readonly RecordedEvent[])[] => {
  const groups: RecordedEvent[][] = [];
  let bytes = Infinity;
  for (const event of events) {
    const size = event.data.byteLength + event.metadata.byteLength;
    const group = groups.at(-1);
    bytes += size;
    if (group === undefined || bytes > APPEND_BYTES || group.length === APPEND_EVENTS) {
      groups.push([event]);
      bytes = size;
    } else {
      group.push(event);
    }
  }
  return groups;
};

/** The embedded log of a directory, in which every event is as it was. */
export const embeddedTarget = (
  log: EventLog,
  store: EventStore,
  signal: AbortSignal,
): LogTarget => ({
  store,
  isExact: true,
  patiently: createPatience(signal),
  write: async (events) => {
    let written = 0;
    for (const group of appendableGroups(events)) {
      signal.throwIfAborted();
      const outcome = await log.copy(group.map(toCopied));
      if (outcome.kind === 'conflict') throw otherEvents(outcome.stream, outcome.revision);
      written += outcome.written;
    }
    return written;
  },
});

const toCopied = ({ recordedAt, position: _, ...event }: RecordedEvent) => ({
  ...event,
  created: recordedAt,
});
