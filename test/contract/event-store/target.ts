import type { StreamDeletion } from '../../support/stream-deletion.js';
import type { EventStore, RecordedEvent } from '../../../src/ports/event-store.js';

/** A store, and how to stop it and everything it needed. */
export interface OpenStore {
  readonly store: EventStore & StreamDeletion;
  stop(): Promise<void>;
}

/** A store connected to its server through a proxy that the test controls. */
export interface StoreOnALine extends OpenStore {
  /** Cuts the line: open connections are reset, new ones refused. */
  cut(): Promise<void>;
  /** Requests still arrive, but responses are lost. */
  loseAnswers(): void;
  /** Restores the line; a connection whose responses were lost stays dead. */
  mend(): Promise<void>;
}

/** The result of a writer whose store was killed while it wrote. */
export interface KilledWriter {
  readonly batches: readonly { readonly ids: readonly string[]; readonly acknowledged: boolean }[];
  /** The stream after the restart. */
  readonly found: readonly RecordedEvent[];
}

/** Shown in the list of tests, where it counts as pending. */
export interface CannotShow {
  readonly because: string;
}

export interface EventStoreTarget {
  open(): Promise<OpenStore>;
  /**
   * Whether the log holds only what `open` and this suite wrote, and can be read from its start.
   */
  readonly freshLog: true | CannotShow;
  readonly openOnALine: (() => Promise<StoreOnALine>) | CannotShow;
  /** Appends batches of three to the stream, several times through a `kill -9` of the store. */
  readonly killWhileAppending: ((stream: string) => Promise<KilledWriter>) | CannotShow;
}

const cannotShow = (show: unknown): show is CannotShow =>
  typeof show === 'object' && show !== null && 'because' in show;

/** A clause that needs a capability of the target; skipped with the reason if that is missing. */
export const clause = <T>(
  title: string,
  show: T | CannotShow,
  body: (show: T) => Promise<void>,
): Mocha.Test =>
  cannotShow(show)
    ? it.skip(`${title} [not shown here: ${show.because}]`)
    : it(title, () => body(show));
