import type { AnimeId, UserId } from '../../domain/ids.js';
import type {
  AnimeDocument,
  DailyActivityDocument,
  InteractionDocument,
} from '../../ports/read-store.js';

/** How far one anime is computed, in which generation; `document` is null before its first event. */
export interface AnimeView {
  readonly animeId: AnimeId;
  readonly generation: number;
  readonly document: AnimeDocument | null;
  readonly lineage: Lineage;
}

/**
 * The parts known of one anime. They belong to one view at a time: once a later one has taken them
 * on, or they are dropped, an older view must not be folded with them.
 */
export interface Lineage {
  current: AnimeView | null;
  readonly users: Map<UserId, InteractionDocument>;
  readonly days: Map<string, DailyActivityDocument>;
  /** Up to where the document was last found to be of this log, and when. */
  verified: { readonly revision: number; readonly at: number } | null;
}

/** A view of which no parts are known yet. */
export const viewOf = (
  animeId: AnimeId,
  generation: number,
  document: AnimeDocument | null,
): AnimeView => {
  const lineage: Lineage = {
    ...{ current: null, users: new Map(), days: new Map(), verified: null },
  };
  const view = { animeId, generation, document, lineage };
  lineage.current = view;
  return view;
};

export const revisionOf = ({ document }: AnimeView): number => document?.revision ?? -1;

export const isCurrent = (view: AnimeView): boolean => view.lineage.current === view;

export const isBefore = (a: AnimeView, b: AnimeView): boolean =>
  a.generation < b.generation || (a.generation === b.generation && revisionOf(a) < revisionOf(b));
