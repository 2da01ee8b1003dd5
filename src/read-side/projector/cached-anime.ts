import type { AnimeId, UserId } from '../../domain/ids.js';
import type {
  AnimeDocument,
  DailyActivityDocument,
  InteractionDocument,
} from '../../ports/read-store.js';

/** How far one anime is computed, in which generation; `document` is null before its first event. */
export interface CachedAnime {
  readonly animeId: AnimeId;
  readonly generation: number;
  readonly document: AnimeDocument | null;
  readonly parts: DocumentParts;
}

/**
 * The parts known of one anime. They belong to one view at a time: once a later one has taken them
 * on, or they are dropped, an older view must not be folded with them.
 */
interface DocumentParts {
  current: CachedAnime | null;
  readonly users: Map<UserId, InteractionDocument>;
  readonly days: Map<string, DailyActivityDocument>;
  /** Up to where the document was last found to be of this log, and when. */
  verified: { readonly revision: number; readonly at: number } | null;
}

/** A view of which no parts are known yet. */
export const cachedAnimeOf = (
  animeId: AnimeId,
  generation: number,
  document: AnimeDocument | null,
): CachedAnime => {
  const parts: DocumentParts = {
    ...{ current: null, users: new Map(), days: new Map(), verified: null },
  };
  const cached = { animeId, generation, document, parts };
  parts.current = cached;
  return cached;
};

export const revisionOf = ({ document }: CachedAnime): number => document?.revision ?? -1;

export const isCurrent = (cached: CachedAnime): boolean => cached.parts.current === cached;

export const isOlder = (a: CachedAnime, b: CachedAnime): boolean =>
  a.generation < b.generation || (a.generation === b.generation && revisionOf(a) < revisionOf(b));
