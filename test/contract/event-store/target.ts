import type { StreamDeletion } from '../../support/stream-deletion.js';
import type { EventStore, RecordedEvent } from '../../../src/ports/event-store.js';

/** A store, and the way to be rid of it and of everything that it needed. */
export interface OpenStore {
  readonly store: EventStore & StreamDeletion;
  stop(): Promise<void>;
}

/** A store that speaks to its server over a line which the test holds in its hand. */
export interface StoreOnALine extends OpenStore {
  /** Breaks the line: what is open is reset, what is new is refused. */
  cut(): Promise<void>;
  /** What is sent still arrives, but no answer comes back. */
  loseAnswers(): void;
  /** The line is as good as new; a connection whose answers were lost stays lost. */
  mend(): Promise<void>;
}

/** What became of a writer whose store was killed while it wrote. */
export interface KilledWriter {
  readonly batches: readonly { readonly ids: readonly string[]; readonly acknowledged: boolean }[];
  /** The stream as it is after the restart. */
  readonly found: readonly RecordedEvent[];
}

/** Said in the list of tests, where it is counted as pending. */
export interface CannotShow {
  readonly because: string;
}

export interface EventStoreTarget {
  open(): Promise<OpenStore>;
  /** Whether the log holds only what its `open` and this suite put there, and can be read from its start. */
  readonly freshLog: true | CannotShow;
  readonly openOnALine: (() => Promise<StoreOnALine>) | CannotShow;
  /** Appends batches of three to the stream, several times through a `kill -9` of the store. */
  readonly killWhileAppending: ((stream: string) => Promise<KilledWriter>) | CannotShow;
}

const cannotShow = (show: unknown): show is CannotShow =>
  typeof show === 'object' && show !== null && 'because' in show;

/** A clause that needs something of the target; skipped with the reason where it cannot be shown. */
export const clause = <T>(
  title: string,
  show: T | CannotShow,
  body: (show: T) => Promise<void>,
): Mocha.Test =>
  cannotShow(show)
    ? it.skip(`${title} [not shown here: ${show.because}]`)
    : it(title, () => body(show));
