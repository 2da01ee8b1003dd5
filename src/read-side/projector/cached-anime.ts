import type { AnimeId, UserId } from '../../domain/ids.js';
import type {
  AnimeDocument,
  DailyActivityDocument,
  InteractionDocument,
} from '../../ports/read-store.js';

/** One anime as far as it is computed; `document` is null before its first event. */
export interface CachedAnime {
  readonly animeId: AnimeId;
  readonly generation: number;
  readonly document: AnimeDocument | null;
  readonly parts: DocumentParts;
}

/**
 * The cached parts of one anime: its user and day documents. They belong to the `current` state of
 * the anime alone; an older state must not be folded with them.
 */
interface DocumentParts {
  current: CachedAnime | null;
  readonly users: Map<UserId, InteractionDocument>;
  readonly days: Map<string, DailyActivityDocument>;
  /** The revision at which the document was last verified against the log, and when. */
  verified: { readonly revision: number; readonly at: number } | null;
}

/** Without any parts yet. */
export const cachedAnimeOf = (
  animeId: AnimeId,
  generation: number,
  document: AnimeDocument | null,
): CachedAnime => {
  const parts: DocumentParts = {
    current: null,
    users: new Map(),
    days: new Map(),
    verified: null,
  };
  const cached = { animeId, generation, document, parts };
  parts.current = cached;
  return cached;
};

export const revisionOf = ({ document }: CachedAnime): number => document?.revision ?? -1;

export const isCurrent = (cached: CachedAnime): boolean => cached.parts.current === cached;

export const isOlder = (a: CachedAnime, b: CachedAnime): boolean =>
  a.generation < b.generation || (a.generation === b.generation && revisionOf(a) < revisionOf(b));
