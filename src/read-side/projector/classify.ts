import type { StreamEvent } from '../../wire/stream-event.js';
import { revisionOf, type CachedAnime } from './cached-anime.js';
import type { Gap } from './gap-fill.js';

/** That a stream has an event at this revision, told by a record that could not be read. */
interface UnreadableNotice {
  readonly revision: number;
  readonly decoded: null;
}

/** What is said about an anime's stream. */
export type IncomingEvent = StreamEvent | UnreadableNotice;

/** What an anime's document says to the events of its stream, in the order they came. */
export interface Classification {
  /** To be applied now: they follow the document without a gap. */
  readonly run: readonly StreamEvent[];
  /** To be classified again once the run is saved, or the gap in front of them is filled. */
  readonly rest: readonly IncomingEvent[];
  readonly gap: Gap | null;
  readonly duplicates: number;
  /** Another event at the document's own revision: the document was not computed from this log. */
  readonly conflicting: StreamEvent | null;
}

export const classify = (
  cached: CachedAnime,
  incoming: readonly IncomingEvent[],
): Classification => {
  const run: StreamEvent[] = [];
  const held = revisionOf(cached);
  let duplicates = 0;
  for (const [index, event] of incoming.entries()) {
    const expected = held + 1 + run.length;
    const { revision } = event;
    if (revision < expected) {
      duplicates += 1;
      if (revision !== held || event.decoded === null) continue;
      if (event.id === cached.document?.lastEventId) continue;
      return { run: [], rest: [], gap: null, duplicates, conflicting: event };
    } else if (revision === expected && event.decoded !== null) {
      run.push(event);
    } else {
      const to = event.decoded === null ? revision : revision - 1;
      const gap = { from: expected, to };
      return { run, rest: incoming.slice(index), gap, duplicates, conflicting: null };
    }
  }
  return { run, rest: [], gap: null, duplicates, conflicting: null };
};
