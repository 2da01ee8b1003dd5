import type { StreamEvent } from '../wire/stream-event.js';
import type { AnimeView } from './document-cache.js';
import type { Gap } from './healing.js';

/** That an anime's stream has an event at this revision, and the event where it could be read. */
export interface Claim {
  readonly revision: number;
  readonly event: StreamEvent | null;
}

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

export const revisionOf = ({ document }: AnimeView): number => document?.revision ?? -1;

export const judge = (view: AnimeView, claims: readonly Claim[]): Verdict => {
  const run: StreamEvent[] = [];
  const held = revisionOf(view);
  let duplicates = 0;
  for (const [index, { revision, event }] of claims.entries()) {
    const expected = held + 1 + run.length;
    if (revision < expected) {
      duplicates += 1;
      if (revision === held && event !== null && event.id !== view.document?.lastEventId) {
        return { run: [], rest: [], hole: null, duplicates, impostor: event };
      }
    } else if (revision === expected && event !== null) {
      run.push(event);
    } else {
      const hole = { from: expected, to: event === null ? revision : revision - 1 };
      return { run, rest: claims.slice(index), hole, duplicates, impostor: null };
    }
  }
  return { run, rest: [], hole: null, duplicates, impostor: null };
};
