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

/** What an anime's document says to the claims about its stream, in the order they came. */
export interface Classification {
  /** To be applied now: they follow the document without a hole. */
  readonly run: readonly StreamEvent[];
  /** To be judged again once the run is saved, or the hole in front of them is healed. */
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
  for (const [index, claim] of incoming.entries()) {
    const expected = held + 1 + run.length;
    const { revision } = claim;
    if (revision < expected) {
      duplicates += 1;
      if (revision !== held || claim.decoded === null) continue;
      if (claim.id === cached.document?.lastEventId) continue;
      return { run: [], rest: [], gap: null, duplicates, conflicting: claim };
    } else if (revision === expected && claim.decoded !== null) {
      run.push(claim);
    } else {
      const to = claim.decoded === null ? revision : revision - 1;
      const gap = { from: expected, to };
      return { run, rest: incoming.slice(index), gap, duplicates, conflicting: null };
    }
  }
  return { run, rest: [], gap: null, duplicates, conflicting: null };
};
