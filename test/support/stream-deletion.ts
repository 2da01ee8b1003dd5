import { createEmbeddedEventStore } from '../../src/adapters/embedded/event-store.js';
import type { EventLog } from '../../src/embedded-eventstore/log/event-log.js';
import type { EventStore } from '../../src/ports/event-store.js';

/** What an operator may do to a stream, and this service never does. */
export interface StreamDeletion {
  /** Hides the stream's events until it is written to again. */
  readonly deleteStream: (stream: string) => Promise<void>;
  /** Ends the stream for ever. */
  readonly tombstoneStream: (stream: string) => Promise<void>;
}

/** The embedded event store, with the operator's way around the port. */
export const deletableEventStore = (log: EventLog): EventStore & StreamDeletion => ({
  ...createEmbeddedEventStore(log),
  deleteStream: async (stream) => {
    await log.softDelete(stream, 'any');
  },
  tombstoneStream: async (stream) => {
    await log.tombstone(stream, 'any');
  },
});
