import type { StreamEvent } from '../../wire/stream-event.js';
import { revisionOf, type AnimeView } from './cached-anime.js';
import type { Gap } from './gap-fill.js';

/** That a stream has an event at this revision, told by a record that could not be read. */
export interface Hearsay {
  readonly revision: number;
  readonly decoded: null;
}

/** What is said about an anime's stream. */
export type Claim = StreamEvent | Hearsay;

/** What an anime's document says to the claims about its stream, in the order they came. */
export interface Verdict {
  /** To be applied now: they follow the document without a hole. */
  readonly run: readonly StreamEvent[];
  /** To be judged again once the run is saved, or the hole in front of them is healed. */
  readonly rest: readonly Claim[];
  readonly hole: Gap | null;
  readonly duplicates: number;
  /** Another event at the document's own revision: the document was not computed from this log. */
  readonly impostor: StreamEvent | null;
}

export const judge = (view: AnimeView, claims: readonly Claim[]): Verdict => {
  const run: StreamEvent[] = [];
  const held = revisionOf(view);
  let duplicates = 0;
  for (const [index, claim] of claims.entries()) {
    const expected = held + 1 + run.length;
    const { revision } = claim;
    if (revision < expected) {
      duplicates += 1;
      if (revision !== held || claim.decoded === null) continue;
      if (claim.id === view.document?.lastEventId) continue;
      return { run: [], rest: [], hole: null, duplicates, impostor: claim };
    } else if (revision === expected && claim.decoded !== null) {
      run.push(claim);
    } else {
      const to = claim.decoded === null ? revision : revision - 1;
      const hole = { from: expected, to };
      return { run, rest: claims.slice(index), hole, duplicates, impostor: null };
    }
  }
  return { run, rest: [], hole: null, duplicates, impostor: null };
};
